#include <sennit/agent/io/error.hpp>
#include <sennit/agent/labels.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

void insert(std::vector<std::string>& origins, std::string origin) {
  const auto place = std::lower_bound(origins.begin(), origins.end(), origin);
  if (place != origins.end() && *place == origin) return;
  if (origins.size() < Labels::kMost) {
    origins.insert(place, std::move(origin));
    return;
  }
  if (!std::binary_search(origins.begin(), origins.end(), Labels::kOthers)) {
    const auto others = std::lower_bound(origins.begin(), origins.end(), Labels::kOthers);
    origins.insert(others, std::string(Labels::kOthers));
  }
}

json::array list_of(const std::vector<std::string>& origins) {
  json::array list;
  for (const std::string& origin : origins) list.emplace_back(origin);
  return list;
}

void read(const json::value& from, std::string_view key, std::vector<std::string>& origins) {
  const json::value* list = find(from, key);
  if (list == nullptr) return;
  if (!list->is_array()) throw Error(errc::invalid_argument, "labels: a list of origins is expected");
  for (const json::value& origin : list->get_array()) {
    if (!origin.is_string()) throw Error(errc::invalid_argument, "labels: an origin is a text");
    insert(origins, std::string(origin.get_string()));
  }
}

}  // namespace

void Labels::add(const Labels& others) {
  for (const std::string& origin : others.untrusted) insert(untrusted, origin);
  for (const std::string& origin : others.confidential) insert(confidential, origin);
}

void Labels::add_untrusted(std::string origin) {
  insert(untrusted, std::move(origin));
}

void Labels::add_confidential(std::string origin) {
  insert(confidential, std::move(origin));
}

json::value to_json(const Labels& labels) {
  json::object out;
  if (!labels.untrusted.empty()) out["untrusted"] = list_of(labels.untrusted);
  if (!labels.confidential.empty()) out["confidential"] = list_of(labels.confidential);
  return out;
}

Labels labels_from_json(const json::value& value) {
  Labels labels;
  if (value.is_null()) return labels;
  if (!value.is_object()) throw Error(errc::invalid_argument, "labels are an object with two lists of origins");
  read(value, "untrusted", labels.untrusted);
  read(value, "confidential", labels.confidential);
  return labels;
}

std::string describe_origins(const std::vector<std::string>& origins) {
  // All of them: a person who agrees for good must not agree to what is not shown.
  std::string text;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    if (i > 0) text += i + 1 == origins.size() ? " and " : ", ";
    text += origins[i];
  }
  return text;
}

}  // namespace sennit
