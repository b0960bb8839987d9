#include <sennit/agent/io/error.hpp>
#include <sennit/agent/run_record.hpp>

namespace sennit {

std::string_view to_string(RunPhase phase) noexcept {
  switch (phase) {
    case RunPhase::running:
      return "running";
    case RunPhase::waiting:
      return "waiting";
    case RunPhase::interrupted:
      return "interrupted";
    case RunPhase::quarantined:
      return "quarantined";
    case RunPhase::ended:
      break;
  }
  return "ended";
}

std::string_view to_string(Boundary boundary) noexcept {
  switch (boundary) {
    case Boundary::start:
      return "start";
    case Boundary::end:
      return "end";
    case Boundary::whole:
      break;
  }
  return "whole";
}

namespace {

constexpr std::string_view kAttachments = "+attachments";
constexpr std::string_view kLabels = "+labels";
constexpr std::string_view kTags = "+tags";

[[noreturn]] void refuse_given(std::string_view what) {
  throw Error(errc::invalid_argument, "the record's " + std::string(what) + " are not what was written there");
}

}  // namespace

json::object describe_given(const RunRecord& record) {
  json::object given = record.inputs;
  if (!record.attachments.empty()) {
    const Message message{Role::user, {record.attachments.begin(), record.attachments.end()}};
    given[kAttachments] = to_json(message).at("parts");
  }
  if (!record.labels.empty()) given[kLabels] = to_json(record.labels);
  if (!record.tags.empty()) given[kTags] = json::array(record.tags.begin(), record.tags.end());
  return given;
}

void take_given(RunRecord& record, json::object given) {
  if (const json::value* attachments = given.if_contains(kAttachments)) {
    const Message message = message_from_json({{"role", "user"}, {"parts", *attachments}});
    for (const Part& part : message.parts) {
      const auto* file = std::get_if<Blob>(&part);
      if (file == nullptr) refuse_given(kAttachments);
      record.attachments.push_back(*file);
    }
    given.erase(kAttachments);
  }
  if (const json::value* labels = given.if_contains(kLabels)) {
    record.labels = labels_from_json(*labels);
    given.erase(kLabels);
  }
  if (const json::value* tags = given.if_contains(kTags)) {
    if (!tags->is_array()) refuse_given(kTags);
    for (const json::value& tag : tags->get_array()) {
      if (!tag.is_string()) refuse_given(kTags);
      record.tags.emplace_back(tag.get_string());
    }
    given.erase(kTags);
  }
  record.inputs = std::move(given);
}

}  // namespace sennit
