#include <sennit/backends/providers.hpp>

#include <array>

namespace sennit {

namespace {

// DeepSeek checks that turns with tool calls bring their reasoning back; its first reasoning models refused it
// (R1) or wanted it within the running turn only (V3.2). https://api-docs.deepseek.com/guides/thinking_mode
constexpr std::array kDeepSeekModels = {
    ModelRule{.pattern = "*deepseek-r1*", .replay = ReasoningReplay::never, .think = ThinkStart::inside},
    ModelRule{.pattern = "*v3.2*", .replay = ReasoningReplay::within_turn, .context_tokens = 131'072},
    ModelRule{.pattern = "deepseek-*", .context_tokens = 1'000'000},
};

// Everything OpenAI made after these reasons, names that we do not know yet included. An effort that a model does not
// take is refused; what newer models take is left to the agent file.
constexpr std::string_view kEffortsOfO = " low medium high ";
constexpr std::array kOpenAiModels = {
    ModelRule{.pattern = "gpt-3.5*", .efforts = kNoEffort, .context_tokens = 16'385},
    ModelRule{.pattern = "gpt-4.1*", .efforts = kNoEffort, .context_tokens = 1'047'576},
    ModelRule{.pattern = "gpt-4*", .efforts = kNoEffort, .context_tokens = 128'000},
    ModelRule{.pattern = "chatgpt-4o*", .efforts = kNoEffort, .context_tokens = 128'000},
    ModelRule{.pattern = "ft:gpt-4*", .efforts = kNoEffort},
    ModelRule{.pattern = "ft:gpt-3.5*", .efforts = kNoEffort},
    ModelRule{.pattern = "gpt-5*chat*", .efforts = kNoEffort},
    ModelRule{.pattern = "o1-mini*", .reasons = true, .efforts = kNoEffort},
    ModelRule{.pattern = "o1*", .reasons = true, .efforts = kEffortsOfO},
    ModelRule{.pattern = "o3*", .reasons = true, .efforts = kEffortsOfO},
    ModelRule{.pattern = "o4*", .reasons = true, .efforts = kEffortsOfO},
    ModelRule{.pattern = "gpt-5-pro*", .reasons = true, .efforts = " high "},
    ModelRule{.pattern = "gpt-5-codex*", .reasons = true, .efforts = kEffortsOfO},
    ModelRule{.pattern = "gpt-5.1-codex-max*", .reasons = true, .efforts = " none low medium high xhigh "},
    ModelRule{.pattern = "gpt-5.1-codex*", .reasons = true, .efforts = kEffortsOfO},
    ModelRule{.pattern = "gpt-5.1*", .reasons = true, .efforts = " none low medium high "},
    ModelRule{.pattern = "gpt-5.2-pro*", .reasons = true, .efforts = " medium high xhigh "},
    ModelRule{.pattern = "gpt-5.2*", .reasons = true, .efforts = " none low medium high xhigh "},
    ModelRule{.pattern = "gpt-5", .reasons = true, .efforts = " minimal low medium high "},
    ModelRule{.pattern = "gpt-5-*", .reasons = true, .efforts = " minimal low medium high "},
    ModelRule{.pattern = "*", .reasons = true},
};

// Models whose chat template ends the prompt with <think>: without a reasoning parser in the server their thoughts
// arrive in the text, closed by a tag that was never opened.
constexpr std::array kOpenModels = {
    // It wants its reasoning back wherever it runs (see kDeepSeekModels).
    ModelRule{.pattern = "*deepseek-v4*", .replay = ReasoningReplay::always, .replay_needs_presence = true},
    ModelRule{.pattern = "*deepseek-r1*", .replay = ReasoningReplay::never, .think = ThinkStart::inside},
    ModelRule{.pattern = "*r1-distill*", .replay = ReasoningReplay::never, .think = ThinkStart::inside},
    ModelRule{.pattern = "*qwq*", .replay = ReasoningReplay::never, .think = ThinkStart::inside},
    ModelRule{.pattern = "*qwen3*-thinking*", .replay = ReasoningReplay::never, .think = ThinkStart::inside},
};

// Ollama's own templates let the model open the tag itself.
constexpr std::array kOllamaModels = {
    ModelRule{.pattern = "deepseek-r1*", .replay = ReasoningReplay::never},
};

constexpr std::array kProviders = {
    Provider{.name = "deepseek",
             .title = "DeepSeek",
             .base_url = "https://api.deepseek.com",
             .key_variable = "DEEPSEEK_API_KEY",
             .default_model = "deepseek-flash",
             .key_required = true,
             .reasoning = ReasoningControl::deepseek,
             .replay = ReasoningReplay::always,
             .replay_needs_presence = true,
             .schema = SchemaControl::json_object,
             .strict = StrictTools::all_with_beta,
             .parallel_field = false,
             .models = kDeepSeekModels},
    Provider{.name = "openai",
             .title = "OpenAI",
             .base_url = "https://api.openai.com/v1",
             .key_variable = "OPENAI_API_KEY",
             .default_model = "gpt-5-mini",
             .key_required = true,
             .max_tokens_field = "max_completion_tokens",
             .reasoning = ReasoningControl::effort,
             .schema = SchemaControl::json_schema,
             .strict = StrictTools::per_tool,
             .models = kOpenAiModels},
    Provider{.name = "llama-server",
             .title = "llama-server",
             .base_url = "http://127.0.0.1:8080/v1",
             .key_variable = "LLAMA_API_KEY",
             .default_model = "default",
             .reasoning = ReasoningControl::template_kwargs,
             .replay = ReasoningReplay::within_turn,
             .think = ThinkStart::tagged,
             .schema = SchemaControl::json_schema,
             .schema_beside_tools = false,
             .models = kOpenModels},
    Provider{.name = "ollama",
             .title = "Ollama",
             .base_url = "http://127.0.0.1:11434/v1",
             .key_variable = "OLLAMA_API_KEY",
             .reasoning = ReasoningControl::effort_levels,
             .replay = ReasoningReplay::within_turn,
             .replay_field = "reasoning",
             .think = ThinkStart::tagged,
             .schema = SchemaControl::json_schema,
             .schema_beside_tools = false,
             .parallel_field = false,
             .models = kOllamaModels},
    Provider{.name = "vllm",
             .title = "vLLM",
             .base_url = "http://127.0.0.1:8000/v1",
             .key_variable = "VLLM_API_KEY",
             .reasoning = ReasoningControl::template_kwargs,
             .replay = ReasoningReplay::within_turn,
             .think = ThinkStart::tagged,
             .schema = SchemaControl::json_schema,
             .schema_beside_tools = false,
             .models = kOpenModels},
    Provider{.name = "openai-compatible",
             .title = "the server",
             .key_variable = "OPENAI_COMPATIBLE_API_KEY",
             .reasoning = ReasoningControl::effort,
             .think = ThinkStart::tagged,
             .models = kOpenModels},
};

/// Whether `text` matches `pattern`; the case of `text` does not matter.
bool matches(std::string_view pattern, std::string_view text) noexcept {
  const auto same = [](char expected, char found) {
    return expected == (found >= 'A' && found <= 'Z' ? static_cast<char>(found - 'A' + 'a') : found);
  };
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last `*`, and how far it reaches
  std::size_t reach = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      reach = t;
    } else if (p < pattern.size() && same(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++reach;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::span<const Provider> providers() noexcept {
  return kProviders;
}

const Provider* find_provider(std::string_view name) noexcept {
  for (const Provider& provider : kProviders) {
    if (provider.name == name) return &provider;
  }
  return nullptr;
}

const ModelRule& rule_for(const Provider& provider, std::string_view model) noexcept {
  static constexpr ModelRule kNothingSpecial{};
  for (const ModelRule& rule : provider.models) {
    if (matches(rule.pattern, model)) return rule;
  }
  return kNothingSpecial;
}

}  // namespace sennit
