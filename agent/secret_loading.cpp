// Which settings of a definition hold secrets.
#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/secret_cache.hpp>
#include <sennit/agent/secret_reference.hpp>
#include <sennit/agent/secret_words.hpp>

#include <functional>
#include <set>
#include <string>

namespace sennit {
namespace {

/// What a text of the settings is.
enum class Holds { anything, address, secret };

using Visit = std::function<void(std::string& text, Holds what)>;

Holds holds_of(std::string_view name) {
  return sounds_secret(name) ? Holds::secret : Holds::anything;
}

void visit_json(json::value& value, Holds what, const Visit& visit) {
  if (auto* list = value.if_array()) {
    for (json::value& element : *list) visit_json(element, what, visit);
  } else if (auto* map = value.if_object()) {
    for (auto& entry : *map) {
      const bool is_secret =
          holds_of(entry.key()) == Holds::secret || (what == Holds::secret && entry.key() == "value");
      visit_json(entry.value(), is_secret ? Holds::secret : Holds::anything, visit);
    }
  } else if (auto* text = value.if_string()) {
    const bool is_url = what == Holds::anything && text->find("://") != json::string::npos;
    std::string words(*text);
    visit(words, is_url ? Holds::address : what);
    if (words != std::string_view(*text)) *text = words;
  }
}

void visit_map(std::map<std::string, std::string>& map, const Visit& visit) {
  for (auto& [name, value] : map) visit(value, holds_of(name));
}

void visit_texts(Definition& definition, const Visit& visit) {
  const std::function<void(ModelSpec&)> visit_model = [&](ModelSpec& spec) {
    visit(spec.base_url, Holds::address);
    visit(spec.proxy, Holds::address);
    visit_map(spec.headers, visit);
    for (ModelSpec& other : spec.fallback) visit_model(other);
  };
  visit_model(definition.model);
  for (ToolSelection& tool : definition.tools) {
    json::value options = std::move(tool.options);
    visit_json(options, Holds::anything, visit);
    tool.options = std::move(options.get_object());
  }
  for (McpServer& server : definition.mcp) {
    visit(server.url, Holds::address);
    visit_map(server.env, visit);
    visit_map(server.headers, visit);
  }
  for (HookSpec& hook : definition.hooks) visit_map(hook.env, visit);
}

template <class Each>
void visit_handles(Definition& definition, const Each& each) {
  const std::function<void(ModelSpec&)> visit_model = [&](ModelSpec& spec) {
    each(spec.api_key);
    for (ModelSpec& other : spec.fallback) visit_model(other);
  };
  visit_model(definition.model);
  for (McpServer& server : definition.mcp) each(server.client_secret);
}

}  // namespace

void bind_secrets(Definition& definition) {
  const std::filesystem::path directory = definition.directory();
  const auto bind = [&](std::string& text) {
    if (text.find("${file:") != std::string::npos) text = secret::bound(text, directory);
  };
  visit_texts(definition, [&](std::string& text, Holds) { bind(text); });
  visit_handles(definition, [&](Secret& handle) { bind(handle.reference_); });
}

void load_secrets(const Definition& definition) {
  std::set<std::string, std::less<>> read;  // a program that two settings name runs once
  const auto load = [&](const std::string& text, Holds what) {
    std::size_t at = 0;
    while (const auto reference = secret::find_reference(text, at)) {
      at = reference->end;
      if (read.emplace(text.substr(reference->begin, reference->end - reference->begin)).second) {
        secret::refresh(*reference);
      }
    }
    try {
      if (what == Holds::address) {
        (void)Secret(text).resolve_address();
      } else if (at != 0) {
        (void)Secret(text).resolve();
      } else if (what == Holds::secret) {
        hide_literal(text);
      }
    } catch (const Error&) {
      return;  // told where it is needed
    }
  };
  Definition all = definition;
  visit_texts(all, [&](std::string& text, Holds what) { load(text, what); });
  visit_handles(all, [&](Secret& handle) { load(handle.reference_, Holds::secret); });
  for (const McpServer& server : definition.mcp) hide_literals(server.command);
}

}  // namespace sennit
