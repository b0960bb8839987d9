#include <sennit/agent/io/base64.hpp>
#include <sennit/backends/wire/embedding_wire.hpp>
#include <sennit/backends/wire/json_fields.hpp>
#include <sennit/backends/wire/members.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sennit {
namespace {

/// Numbers of one vector; models have a few thousand.
constexpr std::size_t kMaxDimensions = 65'536;

[[noreturn]] void refuse(std::string what) {
  throw Error(errc::protocol, "the answer holds " + std::move(what));
}

std::string path_of(EmbeddingApi api, std::string_view model) {
  switch (api) {
    case EmbeddingApi::ollama:
      return "/api/embed";
    case EmbeddingApi::gemini:
      return fmt::format("/models/{}:batchEmbedContents", model);
    case EmbeddingApi::openai:
      break;
  }
  return "/embeddings";
}

void append_texts(std::string& out, std::span<const std::string> texts) {
  out += '[';
  for (const std::string& text : texts) {
    if (out.back() != '[') out += ',';
    append_json_string(out, text);
  }
  out += ']';
}

/// `dimensions` is what the others call it.
json::object gemini_extra(const json::object& extra) {
  json::object renamed;
  for (const auto& [name, value] : extra) {
    renamed[name == "dimensions" ? "outputDimensionality" : std::string_view(name)] = value;
  }
  return renamed;
}

std::string gemini_body(std::string_view model, std::span<const std::string> texts, EmbedFor use,
                        const json::object& given) {
  const json::object extra = gemini_extra(given);
  std::string out = R"({"requests":[)";
  for (const std::string& text : texts) {
    if (out.back() != '[') out += ',';
    Members request(out, &extra);
    append_json_string(request.key("model"), fmt::format("models/{}", model));
    std::string& content = request.key("content");
    content += R"({"parts":[{"text":)";
    append_json_string(content, text);
    content += "}]}";
    request.add_text("taskType", use == EmbedFor::query ? "RETRIEVAL_QUERY" : "RETRIEVAL_DOCUMENT");
    request.add_replacements();
    request.close();
  }
  return out += "]}";
}

/// `encoding_format: base64`: the numbers as little-endian IEEE 754 of 32 bits.
/// https://github.com/openai/openai-python/blob/main/src/openai/resources/embeddings.py decodes them so.
std::vector<float> numbers_of(std::string_view text) {
  const std::optional<std::string> bytes = text.size() / 3 > kMaxDimensions * 2 ? std::nullopt : decode_base64(text);
  if (!bytes) refuse("a vector that is no base64");
  if (bytes->size() % sizeof(float) != 0) refuse("a vector in base64 that ends within a number");
  std::vector<float> numbers(bytes->size() / sizeof(float));
  static_assert(std::endian::native == std::endian::little, "the numbers would have to be turned round");
  std::memcpy(numbers.data(), bytes->data(), bytes->size());
  return numbers;
}

std::vector<float> numbers_of(const json::array& values) {
  if (values.size() > kMaxDimensions) refuse(fmt::format("a vector of {} dimensions", values.size()));
  std::vector<float> numbers;
  numbers.reserve(values.size());
  for (const json::value& value : values) {
    if (!value.is_number()) refuse("a vector with something in it that is no number");
    const auto number = value.to_number<double>();
    // Beyond what a float holds the conversion is undefined.
    const bool fits = std::abs(number) <= std::numeric_limits<float>::max();
    numbers.push_back(fits ? static_cast<float>(number) : std::numeric_limits<float>::infinity());
  }
  return numbers;
}

std::vector<float> vector_of(const json::value* value) {
  if (value == nullptr || (!value->is_array() && !value->is_string())) refuse("no vector where one is due");
  std::vector<float> numbers = value->is_array() ? numbers_of(value->get_array()) : numbers_of(value->get_string());
  if (numbers.empty()) refuse("an empty vector");
  if (!std::ranges::all_of(numbers, [](float number) { return std::isfinite(number); })) {
    refuse("a vector with a number that is not finite");
  }
  return numbers;
}

/// Where an entry of OpenAI's list belongs: by its `index`, in whatever order they come; where servers send none, in
/// the order of the list.
std::size_t place_of(const json::object& entry, std::size_t at) {
  const json::value* index = member(entry, "index");
  if (index == nullptr) return at;
  const std::optional<std::int64_t> place = tokens_of(index);
  if (!place) refuse("an index that is none: " + wire_text(*index));
  return static_cast<std::size_t>(*place);
}

void read_list(EmbeddingApi api, const json::array& list, std::vector<std::vector<float>>& vectors) {
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (api == EmbeddingApi::ollama) {
      vectors[at] = vector_of(&list[at]);
      continue;
    }
    const json::object* entry = list[at].if_object();
    if (entry == nullptr) refuse("an entry that is no object");
    const std::size_t place = api == EmbeddingApi::openai ? place_of(*entry, at) : at;
    if (place >= vectors.size()) refuse(fmt::format("the index {} beside {} texts", place, vectors.size()));
    if (!vectors[place].empty()) refuse(fmt::format("two vectors with the index {}", place));
    vectors[place] = vector_of(entry->if_contains(api == EmbeddingApi::openai ? "embedding" : "values"));
  }
}

Usage usage_of(EmbeddingApi api, const json::object& answer) {
  Usage usage;
  if (api == EmbeddingApi::ollama) {
    take_tokens(answer.if_contains("prompt_eval_count"), usage.input);
    return usage;
  }
  const bool openai = api == EmbeddingApi::openai;
  const json::object* counts = object_at(answer, openai ? "usage" : "usageMetadata");
  if (!take_tokens(number_at(counts, openai ? "prompt_tokens" : "promptTokenCount"), usage.input) && openai) {
    take_tokens(number_at(counts, "total_tokens"), usage.input);  // there is nothing else to count
  }
  return usage;
}

}  // namespace

EmbeddingBatch batch_of(EmbeddingApi api) noexcept {
  switch (api) {
    case EmbeddingApi::gemini:
      return {100, 600'000};  // "at most 100 requests can be in one batch"
    case EmbeddingApi::ollama:
      return {64, 600'000};  // no limit of its own, but all of it must be there before the deadline of the first byte
    case EmbeddingApi::openai:
      break;
  }
  // Up to 2,048 texts and 300,000 tokens (of two bytes and more). Fewer texts, so that an answer of 4,096 dimensions
  // stays below what an answer may have (http::Limits::body).
  return {512, 600'000};
}

std::size_t next_batch(std::span<const std::string> texts, const EmbeddingBatch& most) noexcept {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < std::min(texts.size(), most.texts)) {
    bytes += texts[count].size();
    if (count > 0 && bytes > most.bytes) break;
    ++count;
  }
  return count;
}

std::string embedding_url(EmbeddingApi api, std::string_view base, std::string_view model) {
  const std::string path = path_of(api, model);
  const std::string_view query = base.substr(std::min(base.find('?'), base.size()));
  base.remove_suffix(query.size());
  while (base.ends_with('/')) base.remove_suffix(1);
  // Ollama's other protocols live below /v1, its own does not.
  if (api == EmbeddingApi::ollama && base.ends_with("/v1")) base.remove_suffix(3);
  return fmt::format("{}{}{}", base, base.ends_with(path) ? "" : path, query);
}

void check_embedding_extra(const json::object& extra) {
  for (const std::string_view field : {"model", "input", "content", "contents", "requests"}) {
    if (!extra.contains(field)) continue;
    throw Error(errc::config, fmt::format("`options.extra` cannot hold `{}`: the request itself says that", field));
  }
}

std::string embedding_body(EmbeddingApi api, std::string_view model, std::span<const std::string> texts, EmbedFor use,
                           const json::object& extra) {
  if (api == EmbeddingApi::gemini) return gemini_body(model, texts, use, extra);
  std::string out;
  Members body(out, &extra);
  append_json_string(body.key("model"), model);
  append_texts(body.key("input"), texts);
  // Ollama would otherwise cut what is too long, and nobody would know.
  if (api == EmbeddingApi::ollama) body.add("truncate", false);
  body.add_replacements();
  body.close();
  return out;
}

Embeddings read_embeddings(EmbeddingApi api, const json::value& document, std::size_t texts) {
  const json::object* answer = document.if_object();
  const json::value* listed =
      answer == nullptr ? nullptr : answer->if_contains(api == EmbeddingApi::openai ? "data" : "embeddings");
  const json::array* list = as_array(listed);
  if (list == nullptr) refuse("no list of vectors");
  if (list->size() != texts) refuse(fmt::format("{} vectors for {} texts", list->size(), texts));
  Embeddings result;
  result.vectors.resize(texts);
  read_list(api, *list, result.vectors);
  for (const std::vector<float>& vector : result.vectors) {
    if (vector.size() == result.vectors.front().size()) continue;
    refuse(fmt::format("vectors of {} and of {} dimensions", result.vectors.front().size(), vector.size()));
  }
  result.usage = usage_of(api, *answer);
  return result;
}

}  // namespace sennit
