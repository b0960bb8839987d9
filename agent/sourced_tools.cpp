#include <sennit/agent/event.hpp>
#include <sennit/agent/sourced_tools.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace sennit {
namespace {

constexpr std::array<std::string_view, 5> kRepeats{"idempotent", "keyed", "probed", "replayed", "never"};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
    if (letter) {
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

/// How well a tool fits: a word in its name counts more than one in its description, a beginning less than a word.
std::size_t fit(const ToolDescription& tool, const std::vector<std::string>& query) {
  const std::vector<std::string> name = words_of(tool.name);
  const std::vector<std::string> description = words_of(tool.description);
  std::size_t points = 0;
  for (const std::string& word : query) {
    const auto same = [&](const std::string& other) { return other == word; };
    const auto begins = [&](const std::string& other) { return other.starts_with(word) || word.starts_with(other); };
    if (std::any_of(name.begin(), name.end(), same)) {
      points += 6;
    } else if (std::any_of(name.begin(), name.end(), begins)) {
      points += 3;
    }
    if (std::any_of(description.begin(), description.end(), same)) {
      points += 2;
    } else if (word.size() > 3 && std::any_of(description.begin(), description.end(), begins)) {
      points += 1;
    }
  }
  return points;
}

class RecordedTool final : public Tool {
 public:
  RecordedTool(ToolSpec spec, std::shared_ptr<ToolSource> source)
      : spec_(std::move(spec)), source_(std::move(source)) {}

  [[nodiscard]] const ToolSpec& spec() const override { return spec_; }

  asio::awaitable<ToolOutput> call(json::object arguments, ToolContext& context) override {
    if (!source_) throw Error(errc::not_found, "the source of the tool " + spec_.description.name + " is not there");
    const auto tools = co_await source_->tools(context.environment());
    for (const std::shared_ptr<Tool>& tool : tools) {
      if (tool->spec().description.name != spec_.description.name) continue;
      if (tool->spec().description != spec_.description) {
        throw Error(errc::denied, "the tool " + spec_.description.name + " is another one than when the run began");
      }
      const std::string concern = tool->concern(arguments);
      if (!concern.empty()) throw Error(errc::denied, concern);
      auto calling = tool->call(std::move(arguments), context);
      co_return co_await std::move(calling);
    }
    throw Error(errc::not_found, "the tool " + spec_.description.name + " is not there any more");
  }

 private:
  const ToolSpec spec_;
  const std::shared_ptr<ToolSource> source_;
};

bool flag(const json::value& value, std::string_view name) {
  const json::value* found = find(value, name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::int64_t number(const json::value& value, std::string_view name) {
  return std::max<std::int64_t>(0, find_int(value, name).value_or(0));
}

}  // namespace

const Agent::Parts::ToolEntry* SourcedTools::find(std::string_view name) const {
  for (const auto& entry : entries) {
    if (entry.tool->spec().description.name == name) return &entry;
  }
  return nullptr;
}

std::vector<const ToolDescription*> search_tools(const std::vector<ToolDescription>& tools, std::string_view query,
                                                 std::size_t limit) {
  const std::vector<std::string> words = words_of(query);
  std::vector<std::pair<std::size_t, const ToolDescription*>> found;
  for (const ToolDescription& tool : tools) {
    if (const std::size_t points = fit(tool, words); points > 0) found.emplace_back(points, &tool);
  }
  // Of equal ones the first: they point into one list.
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::vector<const ToolDescription*> best;
  for (std::size_t i = 0; i < found.size() && i < limit; ++i) best.push_back(found[i].second);
  return best;
}

json::value to_json(const ToolSpec& spec) {
  const Touches& touches = spec.touches;
  json::object facets;
  for (const auto& [argument, facet] : spec.facets) facets[argument] = facet;
  json::array reaches;
  if (touches.read) reaches.emplace_back("read");
  if (touches.write) reaches.emplace_back("write");
  if (touches.network) reaches.emplace_back("network");
  if (touches.process) reaches.emplace_back("process");
  if (touches.money) reaches.emplace_back("money");
  json::object out{{"name", spec.description.name},
                   {"description", spec.description.description},
                   {"parameters", spec.description.parameters},
                   {"touches", std::move(reaches)},
                   {"repeat", kRepeats[static_cast<std::size_t>(spec.repeat)]},
                   {"timeout_ms", spec.timeout.count()},
                   {"output_limit", spec.output_limit},
                   {"concurrency", spec.concurrency},
                   {"facets", std::move(facets)}};
  if (!spec.gives.empty()) out["gives"] = to_json(spec.gives);
  if (spec.keeps_labels) out["keeps_labels"] = true;
  return out;
}

ToolSpec tool_spec_from_json(const json::value& value) {
  ToolSpec spec;
  spec.description.name = find_string(value, "name");
  spec.description.description = find_string(value, "description");
  spec.description.parameters = value.at("parameters").as_object();
  for (const json::value& touch : value.at("touches").as_array()) {
    const std::string_view name = touch.as_string();
    spec.touches.read = spec.touches.read || name == "read";
    spec.touches.write = spec.touches.write || name == "write";
    spec.touches.network = spec.touches.network || name == "network";
    spec.touches.process = spec.touches.process || name == "process";
    spec.touches.money = spec.touches.money || name == "money";
  }
  const auto repeat = std::find(kRepeats.begin(), kRepeats.end(), find_string(value, "repeat"));
  spec.repeat = repeat == kRepeats.end() ? Repeat::never : static_cast<Repeat>(repeat - kRepeats.begin());
  spec.timeout = milliseconds(number(value, "timeout_ms"));
  spec.output_limit = static_cast<std::size_t>(number(value, "output_limit"));
  spec.concurrency = static_cast<std::size_t>(number(value, "concurrency"));
  for (const auto& [argument, facet] : value.at("facets").as_object()) {
    spec.facets.emplace(argument, std::string(facet.as_string()));
  }
  if (const json::value* gives = find(value, "gives")) spec.gives = labels_from_json(*gives);
  spec.keeps_labels = flag(value, "keeps_labels");
  return spec;
}

std::shared_ptr<Tool> make_recorded_tool(ToolSpec spec, std::shared_ptr<ToolSource> source) {
  return std::make_shared<RecordedTool>(std::move(spec), std::move(source));
}

}  // namespace sennit
