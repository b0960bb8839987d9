#include <sennit/agent/io/error.hpp>
#include <sennit/app/assistant.hpp>
#include <sennit/app/model_choice.hpp>
#include <sennit/app/origin.hpp>
#include <sennit/app/overlay.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

namespace sennit::app {
namespace {

std::filesystem::path absolute_file(const std::filesystem::path& file) {
  return std::filesystem::absolute(file).lexically_normal();
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// What may be a key is not kept: the journal and its exports are read by others.
bool may_be_secret(const std::string& setting) {
  return setting.starts_with("model.api_key=") || setting.starts_with("model.headers");
}

bool names_the_model(const std::string& setting) {
  return setting.starts_with("model=") || setting.starts_with("model.name=") || setting.starts_with("model.id=");
}

std::string text_in(const json::object& origin, std::string_view key) {
  const json::value* text = origin.if_contains(key);
  return text != nullptr && text->is_string() ? std::string(text->get_string()) : std::string();
}

bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

/// Where an agent file is now that has moved together with the file of a run.
std::filesystem::path find_moved(const json::object& origin, const std::filesystem::path& run_file) {
  const std::filesystem::path folder = absolute_file(run_file).parent_path();
  if (const std::string relative = text_in(origin, "relative"); !relative.empty()) {
    const std::filesystem::path file = (folder / relative).lexically_normal();
    if (is_file(file)) return file;
  }
  std::filesystem::path was(text_in(origin, "file"));
  if (is_file(was)) return was;
  for (std::filesystem::path above = folder;; above = above.parent_path()) {
    if (is_file(above / was.filename())) return above / was.filename();
    if (above == above.parent_path()) break;
  }
  throw Error(errc::not_found, "its agent file is neither there nor near the run's file; name it with --agent FILE")
      .at(was.string());
}

}  // namespace

json::object origin_of(const AgentSource& source) {
  json::object origin;
  if (source.file.empty()) {
    origin["builtin"] = "assistant";
  } else {
    origin["file"] = absolute_file(source.file).string();
  }
  if (!source.model.empty()) origin["model"] = source.model;
  json::array settings;
  for (const std::string& setting : source.settings) {
    if (!may_be_secret(setting)) settings.emplace_back(setting);
  }
  if (!settings.empty()) origin["set"] = std::move(settings);
  return origin;
}

Definition read_agent(const AgentSource& source) {
  Definition definition = source.file.empty() ? assistant() : read_definition(source.file);
  const bool model_is_set = std::any_of(source.settings.begin(), source.settings.end(), &names_the_model);
  const bool chosen = !source.model.empty() && !model_is_set;
  if (source.settings.empty()) return chosen ? with_model(std::move(definition), source.model) : definition;
  const std::string text = source.file.empty() ? std::string(assistant_text()) : text_of(source.file);
  definition = overlaid(text, source.file, source.settings);
  if (!chosen) return definition;
  // The settings of `model` are those of the chosen one: unlike the file's they must not be dropped.
  std::vector<std::string> settings{"model=" + source.model};
  settings.insert(settings.end(), source.settings.begin(), source.settings.end());
  definition.model = choose_model(definition.model, overlaid(text, source.file, settings).model);
  return definition;
}

AgentSource source_of(const RunRecord& record, const std::filesystem::path& agent,
                      const std::filesystem::path& run_file) {
  AgentSource source;
  source.model = text_in(record.origin, "model");
  if (const json::value* settings = record.origin.if_contains("set"); settings != nullptr && settings->is_array()) {
    for (const json::value& setting : settings->get_array()) {
      if (setting.is_string()) source.settings.emplace_back(setting.get_string());
    }
  }
  if (!agent.empty()) {
    source.file = agent;
    return source;
  }
  if (text_in(record.origin, "builtin") == "assistant") return source;
  const std::string file = text_in(record.origin, "file");
  if (file.empty()) {
    throw Error(errc::invalid_argument,
                "the run " + record.id + " does not say where its agent came from; name it with --agent FILE");
  }
  source.file = run_file.empty() ? std::filesystem::path(file) : find_moved(record.origin, run_file);
  return source;
}

void make_movable(RunRecord& record, const std::filesystem::path& run_file) {
  const std::string file = text_in(record.origin, "file");
  if (file.empty()) return;
  record.origin["relative"] =
      std::filesystem::path(file).lexically_relative(absolute_file(run_file).parent_path()).generic_string();
}

void settle_here(RunRecord& record, const std::filesystem::path& run_file) {
  if (text_in(record.origin, "file").empty()) return;
  try {
    record.origin["file"] = find_moved(record.origin, run_file).string();
  } catch (const Error&) {
    // It is looked for again when it is needed, and --agent may name it.
  }
  record.origin.erase("relative");
}

}  // namespace sennit::app
