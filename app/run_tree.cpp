#include <sennit/agent/journal.hpp>
#include <sennit/app/run_tree.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <utility>

namespace sennit::app {
namespace {

json::value member(const json::value& data, std::string_view name) {
  const json::value* found = find(data, name);
  return found == nullptr ? json::value() : *found;
}

/// "2.1.2" is the second sub-agent of the call "2.1".
std::string call_of(std::string_view prefix) {
  const std::size_t slash = prefix.rfind('/');
  const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
  const std::size_t first = prefix.find('.', begin);
  const std::size_t second = first == std::string_view::npos ? first : prefix.find('.', first + 1);
  return std::string(prefix.substr(0, second));
}

}  // namespace

std::string outer_effect(const std::string& id) {
  std::string call = call_of(id);
  if (call != id) return call;
  const std::size_t slash = id.rfind('/');
  return slash == std::string::npos ? std::string() : call_of(std::string_view(id).substr(0, slash));
}

std::vector<std::unique_ptr<EffectNode>> tree_of(const RecordedRun& run, const std::vector<Answer>& answers) {
  std::vector<std::unique_ptr<EffectNode>> roots;
  std::map<std::string, EffectNode*, std::less<>> known;
  const auto node_of = [&](const std::string& id, const auto& self) -> EffectNode& {
    if (const auto found = known.find(id); found != known.end()) return *found->second;
    const std::string outer = outer_effect(id);
    auto& siblings = outer.empty() ? roots : self(outer, self).inside;
    siblings.push_back(std::make_unique<EffectNode>());
    siblings.back()->id = id;
    known.emplace(id, siblings.back().get());
    return *siblings.back();
  };
  for (const JournalEntry& entry : run.journal) {
    const json::value data = parse_entry(entry);
    EffectNode& node = node_of(entry.effect, node_of);
    node.kind = entry.kind;
    if (entry.boundary != Boundary::end) {
      node.in = member(data, "in");
      node.begun = entry.at;
    }
    if (entry.boundary != Boundary::start) {
      node.out = member(data, "out");
      node.ended = entry.at;
    }
  }
  for (const Answer& answer : answers) {
    const auto request = known.find(answer.request);
    if (request != known.end() && !request->second->ended) request->second->answer = answer.text;
  }
  if (run.record.ended) {
    EffectNode& end = node_of("end", node_of);
    end.kind = "end";
    end.out = run.record.outcome;
  }
  // A fork has what it took over before its own start.
  const auto number = [](const std::unique_ptr<EffectNode>& node) {
    const bool is_end = node->id == "end";
    return is_end ? std::numeric_limits<long>::max() : std::strtol(node->id.c_str(), nullptr, 10);
  };
  std::ranges::sort(roots, {}, number);
  return roots;
}

}  // namespace sennit::app
