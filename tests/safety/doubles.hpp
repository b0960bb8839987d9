// Tools that stand for what a test cannot have: a mailbox, a shop, a house, a bank. They declare honestly what they
// touch, whose words they bring and where they lead; what they are told to do is written down, not done.
#pragma once

#include <sennit/agent/registry.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

/// What the doubles say, and what they were told to do. [thread-safe]
class Doubles {
 public:
  void say(const std::string& source, std::string text);
  [[nodiscard]] std::string said(const std::string& source) const;
  void did(const std::string& tool, const json::object& arguments);
  /// Whether the tool did something in whose arguments the words stand.
  [[nodiscard]] bool has_done(std::string_view tool, std::string_view words) const;
  [[nodiscard]] std::string record() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> sources_;
  std::vector<std::pair<std::string, std::string>> done_;
};

/// mail_read, mail_send, contacts_find, calendar_read, calendar_add, shop_search, reviews_read, pay, lights_set,
/// door_unlock, sensors_read, sql_query, sql_change, report_upload, ticket_read, ticket_reply, crm_lookup, refund,
/// issue_read, issue_comment, shell, pdf_read, csv_read, hotel_book, visa_form, post_public; and the MCP server `ops`
/// with ops_logs, ops_restart, ops_scale.
void add_doubles(Registry& registry, const std::shared_ptr<Doubles>& doubles);

}  // namespace sennit::testing
