#include "tools/tool_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/calendar_yearly.hpp>
#include <sennit/tools/clock.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>

using namespace sennit;
using namespace sennit::testing;

namespace {

/// Tuesday 24 November 2026, 09:22:05 UTC.
class Tuesday final : public TestEnvironment {
 public:
  [[nodiscard]] WallTime wall_now() const override { return WallTime(std::chrono::seconds(1'795'512'125)); }
};

Tools clock_tool(const json::object& options = {{"zone", "UTC"}}) {
  const Definition definition;
  const Registry registry;
  return make_clock(options, PartContext{definition, registry, {}});
}

/// An environment variable for as long as this lives; null: unset.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) {
    if (value != nullptr) {
      ::setenv(name_, value, 1);
    } else {
      ::unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

struct Question {
  const char* zone;
  const char* time;
  const char* add;
  const char* until;
  const char* format;
  const char* answer;
};

/// The answer, or what the tool threw.
std::string ask(TestEnvironment& environment, const Tools& tools, const Question& question) {
  json::object arguments;
  const auto give = [&](const char* name, const char* value) {
    if (*value) arguments[name] = value;
  };
  give("zone", question.zone);
  give("time", question.time);
  give("add", question.add);
  give("until", question.until);
  give("format", question.format);
  try {
    return call(environment, tools, "clock", arguments);
  } catch (const Error& error) {
    CHECK(error.code() == errc::invalid_argument);
    return error.message();
  }
}

void run(std::initializer_list<Question> questions) {
  Tuesday environment;
  const Tools tools = clock_tool();
  for (const Question& question : questions) {
    INFO(question.zone << " | " << question.time << " | " << question.add << " | " << question.until << " | "
                       << question.format);
    CHECK(ask(environment, tools, question) == question.answer);
  }
}

}  // namespace

TEST_CASE("a zone is found by name, city, abbreviation or offset") {
  run({
      {"Tokyo", "", "", "", "", "Tuesday 2026-11-24 18:22:05 JST (UTC+09:00, Asia/Tokyo), week 48"},
      {"new york", "", "", "", "", "Tuesday 2026-11-24 04:22:05 EST (UTC-05:00, America/New_York), week 48"},
      {"America/Argentina/Buenos_Aires", "", "", "", "",
       "Tuesday 2026-11-24 06:22:05 UTC-03:00 (America/Argentina/Buenos_Aires), week 48"},
      {"buenos aires", "", "", "", "",
       "Tuesday 2026-11-24 06:22:05 UTC-03:00 (America/Argentina/Buenos_Aires), week 48"},
      {"EUROPE/berlin", "", "", "", "", "Tuesday 2026-11-24 10:22:05 CET (UTC+01:00, Europe/Berlin), week 48"},
      {"munich", "", "", "", "", "Tuesday 2026-11-24 10:22:05 CET (UTC+01:00, Europe/Berlin), week 48"},
      {"+05:30", "", "", "", "", "Tuesday 2026-11-24 14:52:05 UTC+05:30, week 48"},
      {"UTC+2", "", "", "", "", "Tuesday 2026-11-24 11:22:05 UTC+02:00, week 48"},
      {"gmt-3", "", "", "", "", "Tuesday 2026-11-24 06:22:05 UTC-03:00, week 48"},
      {"+0530", "", "", "", "", "Tuesday 2026-11-24 14:52:05 UTC+05:30, week 48"},
      {"-3", "", "", "", "", "Tuesday 2026-11-24 06:22:05 UTC-03:00, week 48"},
      {"+25", "", "", "", "",
       "zone: unknown time zone \"+25\". Give an IANA name (Europe/Berlin), a large city or an offset (+02:00)"},
      {"PST", "", "", "", "", "Tuesday 2026-11-24 01:22:05 PST (UTC-08:00, America/Los_Angeles), week 48"},
      {"IST", "", "", "", "", "zone: IST stands for several time zones: name a city or an offset"},
      {"CST", "", "", "", "", "zone: CST stands for several time zones: name a city or an offset"},
      {"EST", "", "", "", "", "Tuesday 2026-11-24 04:22:05 EST (UTC-05:00, America/New_York), week 48"},
      {"Tokio", "", "", "", "",
       "zone: unknown time zone \"Tokio\"; did you mean Asia/Tokyo? Give an IANA name (Europe/Berlin), a large city or "
       "an offset (+02:00)"},
      {"Zzyzx", "", "", "", "",
       "zone: unknown time zone \"Zzyzx\". Give an IANA name (Europe/Berlin), a large city or an offset (+02:00)"},
      {"London", "", "", "", "", "Tuesday 2026-11-24 09:22:05 GMT (UTC+00:00, Europe/London), week 48"},
      {"sao paulo", "", "", "", "", "Tuesday 2026-11-24 06:22:05 UTC-03:00 (America/Sao_Paulo), week 48"},
      {"São Paulo", "", "", "", "", "Tuesday 2026-11-24 06:22:05 UTC-03:00 (America/Sao_Paulo), week 48"},
      {"ZÜRICH", "", "", "", "", "Tuesday 2026-11-24 10:22:05 CET (UTC+01:00, Europe/Zurich), week 48"},
      {"北京", "", "", "", "", "Tuesday 2026-11-24 17:22:05 CST (UTC+08:00, Asia/Shanghai), week 48"},
      {"東京", "", "", "", "", "Tuesday 2026-11-24 18:22:05 JST (UTC+09:00, Asia/Tokyo), week 48"},
      {"", "14:30 首尔", "", "", "", "Tuesday 2026-11-24 14:30:00 KST (UTC+09:00, Asia/Seoul), week 48"},
      {"香港", "", "", "", "", "Tuesday 2026-11-24 17:22:05 HKT (UTC+08:00, Asia/Hong_Kong), week 48"},
      {"台北", "", "", "", "", "Tuesday 2026-11-24 17:22:05 CST (UTC+08:00, Asia/Taipei), week 48"},
      {"ニューヨーク", "", "", "", "", "Tuesday 2026-11-24 04:22:05 EST (UTC-05:00, America/New_York), week 48"},
      {"南京", "", "", "", "",
       "zone: unknown time zone \"南京\". Give an IANA name (Europe/Berlin), a large city or an offset (+02:00)"},
      {"singapore", "", "", "", "", "Tuesday 2026-11-24 17:22:05 UTC+08:00 (Asia/Singapore), week 48"},
      {"kathmandu", "", "", "", "", "Tuesday 2026-11-24 15:07:05 UTC+05:45 (Asia/Kathmandu), week 48"},
  });
}

TEST_CASE("a time may be written in many ways") {
  run({
      {"Berlin", "2026-10-25 02:30+01:00", "", "", "", "Sunday 2026-10-25 02:30:00 UTC+01:00, week 43"},
      {"Berlin", "2026-10-25T01:30:00Z", "", "", "", "Sunday 2026-10-25 01:30:00 UTC, week 43"},
      {"", "2026-03-29T14:30:00Z", "", "", "", "Sunday 2026-03-29 14:30:00 UTC, week 13"},
      {"", "14:30", "", "", "", "Tuesday 2026-11-24 14:30:00 UTC, week 48"},
      {"", "3pm", "", "", "", "Tuesday 2026-11-24 15:00:00 UTC, week 48"},
      {"", "3 pm", "", "", "", "Tuesday 2026-11-24 15:00:00 UTC, week 48"},
      {"", "12am", "", "", "", "Tuesday 2026-11-24 00:00:00 UTC, week 48"},
      {"", "12 pm", "", "", "", "Tuesday 2026-11-24 12:00:00 UTC, week 48"},
      {"", "noon", "", "", "", "Tuesday 2026-11-24 12:00:00 UTC, week 48"},
      {"", "midnight", "", "", "", "Tuesday 2026-11-24 00:00:00 UTC, week 48"},
      {"", "tomorrow 9:00", "", "", "", "Wednesday 2026-11-25 09:00:00 UTC, week 48"},
      {"", "tomorrow", "", "", "", "Wednesday 2026-11-25, week 48"},
      {"", "today", "", "", "", "Tuesday 2026-11-24, week 48"},
      {"", "the day after tomorrow", "", "", "", "Thursday 2026-11-26, week 48"},
      {"", "Day after tomorrow, 9:00 Tokyo", "", "", "",
       "Thursday 2026-11-26 09:00:00 JST (UTC+09:00, Asia/Tokyo), week 48"},
      {"", "the day before yesterday", "", "", "", "Sunday 2026-11-22, week 47"},
      {"", "yesterday at noon", "", "", "", "Monday 2026-11-23 12:00:00 UTC, week 48"},
      {"", "now", "", "", "", "Tuesday 2026-11-24 09:22:05 UTC, week 48"},
      {"", "friday", "", "", "", "Friday 2026-11-27, week 48"},
      {"", "next friday", "", "", "", "Friday 2026-11-27, week 48"},
      {"", "last friday", "", "", "", "Friday 2026-11-20, week 47"},
      {"", "tuesday", "", "", "", "Tuesday 2026-12-01, week 49"},
      {"", "last tuesday", "", "", "", "Tuesday 2026-11-17, week 47"},
      {"", "friday 3pm Tokyo", "", "", "", "Friday 2026-11-27 15:00:00 JST (UTC+09:00, Asia/Tokyo), week 48"},
      {"", "25 December 2026", "", "", "", "Friday 2026-12-25, week 52"},
      {"", "Dec 25, 2026", "", "", "", "Friday 2026-12-25, week 52"},
      {"", "December 25", "", "", "", "Friday 2026-12-25, week 52"},
      {"", "25th of December 2026 at 14:00", "", "", "", "Friday 2026-12-25 14:00:00 UTC, week 52"},
      {"", "fri, 25 Dec 2026", "", "", "", "Friday 2026-12-25, week 52"},
      {"", "2026-W13-7", "", "", "", "Sunday 2026-03-29, week 13"},
      {"", "2026-W53", "", "", "", "Monday 2026-12-28, week 53"},
      {"", "29.03.2026", "", "", "", "Sunday 2026-03-29, week 13"},
      {"", "2026/12/25", "", "", "", "Friday 2026-12-25, week 52"},
      {"", "2026-12-25T10:00:00.123+02:00", "", "", "", "Friday 2026-12-25 10:00:00 UTC+02:00, week 52"},
      {"", "@1700000000", "", "", "", "Tuesday 2023-11-14 22:13:20 UTC, week 46"},
      {"", "1700000000", "", "", "", "Tuesday 2023-11-14 22:13:20 UTC, week 46"},
      {"", "2024-02-29", "", "", "", "Thursday 2024-02-29, week 9"},
      {"", "2026-1-5", "", "", "", "Monday 2026-01-05, week 2"},
      {"", "24:00", "", "", "", "Wednesday 2026-11-25 00:00:00 UTC, week 48"},
      {"", "2026-11-24 24:00", "", "", "", "Wednesday 2026-11-25 00:00:00 UTC, week 48"},
      {"", "now now", "", "", "", "Tuesday 2026-11-24 09:22:05 UTC, week 48"},
      {"", "14:00 Europe/Berlin", "", "", "", "Tuesday 2026-11-24 14:00:00 CET (UTC+01:00, Europe/Berlin), week 48"},
      {"", "14:00 JST", "", "", "", "Tuesday 2026-11-24 14:00:00 JST (UTC+09:00, Asia/Tokyo), week 48"},
      {"", "2027-01-01", "", "", "", "Friday 2027-01-01, week 53 of 2026"},
      {"", "2024-12-30", "", "", "", "Monday 2024-12-30, week 1 of 2025"},
      {"", "2027-01-03", "", "", "week", "2026-W53"},
      {"", "1800-01-01 12:00 London", "", "", "",
       "Wednesday 1800-01-01 12:00:00 LMT (UTC-00:01:15, Europe/London), week 1"},
      {"", "in 3 hours", "", "", "", "Tuesday 2026-11-24 12:22:05 UTC, week 48"},
      {"", "2 days ago", "", "", "", "Sunday 2026-11-22 09:22:05 UTC, week 47"},
      {"", "3 weeks from now", "", "", "", "Tuesday 2026-12-15 09:22:05 UTC, week 51"},
      {"", "next week", "", "", "", "Tuesday 2026-12-01, week 49"},
      {"", "last month", "", "", "", "Saturday 2026-10-24, week 43"},
      {"", "next year", "", "", "", "Wednesday 2027-11-24, week 47"},
      {"", "noon tomorrow", "", "", "", "Wednesday 2026-11-25 12:00:00 UTC, week 48"},
      {"", "tomorrow noon Berlin", "", "", "", "Wednesday 2026-11-25 12:00:00 CET (UTC+01:00, Europe/Berlin), week 48"},
      {"", "2026-11-24 10:00 +02:00", "", "", "", "Tuesday 2026-11-24 10:00:00 UTC+02:00, week 48"},
      {"", "14h", "", "", "", "Tuesday 2026-11-24 14:00:00 UTC, week 48"},
      {"", "friday next", "", "", "", "Friday 2026-11-27, week 48"},
  });
}

TEST_CASE("a time that is skipped or comes twice is said to be") {
  run({
      {"Berlin", "2026-03-29 02:30", "", "", "",
       "Sunday 2026-03-29 03:30:00 CEST (UTC+02:00, Europe/Berlin), week 13\nnote: 2026-03-29 02:30:00 does not exist "
       "in Europe/Berlin: the clocks go forward there; taken as 2026-03-29 03:30:00"},
      {"Berlin", "2026-10-25 02:30", "", "", "",
       "Sunday 2026-10-25 02:30:00 CEST (UTC+02:00, Europe/Berlin), week 43\nnote: 2026-10-25 02:30:00 comes twice in "
       "Europe/Berlin: the clocks go back there; taken as the first, CEST (UTC+02:00), the second is CET (UTC+01:00)"},
      {"New York", "2026-03-08 02:30", "", "", "",
       "Sunday 2026-03-08 03:30:00 EDT (UTC-04:00, America/New_York), week 10\nnote: 2026-03-08 02:30:00 does not "
       "exist in America/New_York: the clocks go forward there; taken as 2026-03-08 03:30:00"},
      {"Auckland", "2026-09-27 02:30", "", "", "",
       "Sunday 2026-09-27 03:30:00 NZDT (UTC+13:00, Pacific/Auckland), week 39\nnote: 2026-09-27 02:30:00 does not "
       "exist in Pacific/Auckland: the clocks go forward there; taken as 2026-09-27 03:30:00"},
      {"Lord_Howe", "2026-04-05 01:45", "", "", "",
       "Sunday 2026-04-05 01:45:00 UTC+11:00 (Australia/Lord_Howe), week 14\nnote: 2026-04-05 01:45:00 comes twice in "
       "Australia/Lord_Howe: the clocks go back there; taken as the first, +11 (UTC+11:00), the second is +1030 "
       "(UTC+10:30)"},
  });
}

TEST_CASE("summers come also after the years that the files of the zones list") {
  run({
      {"Berlin", "2038-07-01 12:00", "", "", "",
       "Thursday 2038-07-01 12:00:00 CEST (UTC+02:00, Europe/Berlin), week 26"},
      {"Berlin", "2038-01-01 12:00", "", "", "",
       "Friday 2038-01-01 12:00:00 CET (UTC+01:00, Europe/Berlin), week 53 of 2037"},
      {"Berlin", "2100-07-01 12:00", "", "", "",
       "Thursday 2100-07-01 12:00:00 CEST (UTC+02:00, Europe/Berlin), week 26"},
      {"New York", "2050-07-01 12:00", "", "", "",
       "Friday 2050-07-01 12:00:00 EDT (UTC-04:00, America/New_York), week 26"},
      {"Sydney", "2045-01-15 12:00", "", "", "",
       "Sunday 2045-01-15 12:00:00 AEDT (UTC+11:00, Australia/Sydney), week 2"},
      {"Sydney", "2045-07-15 12:00", "", "", "",
       "Saturday 2045-07-15 12:00:00 AEST (UTC+10:00, Australia/Sydney), week 28"},
      {"Dublin", "2045-07-15 12:00", "", "", "",
       "Saturday 2045-07-15 12:00:00 IST (UTC+01:00, Europe/Dublin), week 28"},
      {"Dublin", "2045-01-15 12:00", "", "", "", "Sunday 2045-01-15 12:00:00 GMT (UTC+00:00, Europe/Dublin), week 2"},
      {"Nuuk", "2045-07-15 12:00", "", "", "", "Saturday 2045-07-15 12:00:00 UTC-01:00 (America/Nuuk), week 28"},
      {"Tokyo", "2045-07-15 12:00", "", "", "", "Saturday 2045-07-15 12:00:00 JST (UTC+09:00, Asia/Tokyo), week 28"},
      {"Istanbul", "2040-07-15 12:00", "", "", "", "Sunday 2040-07-15 12:00:00 UTC+03:00 (Asia/Istanbul), week 28"},
      {"Berlin", "2040-03-25 02:30", "", "", "",
       "Sunday 2040-03-25 03:30:00 CEST (UTC+02:00, Europe/Berlin), week 12\nnote: 2040-03-25 02:30:00 does not exist "
       "in Europe/Berlin: the clocks go forward there; taken as 2040-03-25 03:30:00"},
      {"Auckland", "2040-04-01 02:30", "", "", "",
       "Sunday 2040-04-01 02:30:00 NZDT (UTC+13:00, Pacific/Auckland), week 13\nnote: 2040-04-01 02:30:00 comes twice "
       "in Pacific/Auckland: the clocks go back there; taken as the first, NZDT (UTC+13:00), the second is NZST "
       "(UTC+12:00)"},
      {"Berlin", "2037-10-25 12:00", "200 days", "", "",
       "Thursday 2038-05-13 12:00:00 CEST (UTC+02:00, Europe/Berlin), week 19"},
  });
}

TEST_CASE("the rule at the end of a zone's file may be written in several ways") {
  using calendar::YearlyRule;
  const auto offsets = [](std::string_view text, int year) {
    const auto rule = YearlyRule::parse(text);
    REQUIRE(rule);
    std::string changes;
    std::chrono::seconds before = rule->at(std::chrono::sys_days(std::chrono::year(year) / 1 / 1)).offset;
    for (std::chrono::sys_seconds time = std::chrono::sys_days(std::chrono::year(year) / 1 / 1);
         time < std::chrono::sys_days(std::chrono::year(year + 1) / 1 / 1); time += std::chrono::minutes(15)) {
      const std::chrono::seconds offset = rule->at(time).offset;
      if (offset == before) continue;
      changes += calendar::write_wall(calendar::local_seconds(time.time_since_epoch())) + " " +
                 calendar::write_offset(offset) + "; ";
      before = offset;
    }
    return changes;
  };
  CHECK(offsets("CET-1CEST,M3.5.0,M10.5.0/3", 2040) == "2040-03-25 01:00:00 +02:00; 2040-10-28 01:00:00 +01:00; ");
  CHECK(offsets("<+0330>-3:30<+0430>,J79/24,J263/24", 2040) ==
        "2040-03-20 20:30:00 +04:30; 2040-09-20 19:30:00 +03:30; ");
  CHECK(offsets("<+0330>-3:30<+0430>,J79/24,J263/24", 2041) ==
        "2041-03-20 20:30:00 +04:30; 2041-09-20 19:30:00 +03:30; ");
  CHECK(offsets("XXX0YYY,58,59", 2040) == "2040-02-28 02:00:00 +01:00; 2040-02-29 01:00:00 +00:00; ");
  CHECK(offsets("XXX0YYY,58,59", 2041) == "2041-02-28 02:00:00 +01:00; 2041-03-01 01:00:00 +00:00; ");
  CHECK(offsets("EET-2EEST,M3.4.4/50,M10.4.4/50", 2040) == "2040-03-24 00:00:00 +03:00; 2040-10-26 23:00:00 +02:00; ");
  CHECK(offsets("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2040) ==
        "2040-03-31 15:00:00 +10:30; 2040-10-06 15:30:00 +11:00; ");
  for (const char* text : {"", "JST-9", "<+08>-8", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x",
                           "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
                           "CET-1CEST,J0,J100", "CET-1CEST,366,1", "CET-1<CEST,M3.5.0,M10.5.0", "1,2,3", "TZif\x01"}) {
    INFO(text);
    CHECK_FALSE(YearlyRule::parse(text));
  }
}

TEST_CASE("an abbreviation of the other season is taken as the place, with a note") {
  run({
      {"", "2026-07-01 9:00 EST", "", "", "",
       "Wednesday 2026-07-01 09:00:00 EDT (UTC-04:00, America/New_York), week 27\nnote: America/New_York has EDT "
       "(UTC-04:00) then, not EST; for EST itself give -05:00"},
      {"", "2026-10-20 9:00 pst", "", "", "",
       "Tuesday 2026-10-20 09:00:00 PDT (UTC-07:00, America/Los_Angeles), week 43\nnote: America/Los_Angeles has PDT "
       "(UTC-07:00) then, not PST; for PST itself give -08:00"},
      {"CEST", "", "", "", "",
       "Tuesday 2026-11-24 10:22:05 CET (UTC+01:00, Europe/Berlin), week 48\nnote: Europe/Berlin has CET (UTC+01:00) "
       "then, not CEST; for CEST itself give +02:00"},
      {"", "2026-07-01 9:00 EDT", "", "", "",
       "Wednesday 2026-07-01 09:00:00 EDT (UTC-04:00, America/New_York), week 27"},
      {"EST", "2026-07-01", "", "", "", "Wednesday 2026-07-01, week 27"},
      {"ET", "2026-07-01 9:00", "", "", "", "Wednesday 2026-07-01 09:00:00 EDT (UTC-04:00, America/New_York), week 27"},
      {"EST", "2026-07-01 9:00", "", "2026-07-01 10:00", "",
       "1 hour (3600 seconds) from Wednesday 2026-07-01 09:00:00 EDT (UTC-04:00, America/New_York) to Wednesday "
       "2026-07-01 10:00:00 EDT (UTC-04:00, America/New_York)\nnote: America/New_York has EDT (UTC-04:00) then, not "
       "EST; for EST itself give -05:00"},
  });
}

TEST_CASE("next, last and this hold for weekdays and for days of a month") {
  run({
      {"", "last 25 december", "", "", "", "Thursday 2025-12-25, week 52"},
      {"", "previous 25 december", "", "", "", "Thursday 2025-12-25, week 52"},
      {"", "last 3 march", "", "", "", "Tuesday 2026-03-03, week 10"},
      {"", "next 25 december", "", "", "", "Friday 2026-12-25, week 52"},
      {"", "next 3 march at 9:00", "", "", "", "Wednesday 2027-03-03 09:00:00 UTC, week 9"},
      {"", "this 3 march", "", "", "", "Tuesday 2026-03-03, week 10"},
      {"", "last 24 november", "", "", "", "Monday 2025-11-24, week 48"},
      {"", "next november 24th", "", "", "", "Wednesday 2027-11-24, week 47"},
      {"", "next 29 february", "", "", "", "Tuesday 2028-02-29, week 9"},
      {"", "last 29 february", "", "", "", "Thursday 2024-02-29, week 9"},
      {"", "last 25 december 2020", "", "", "", "Friday 2020-12-25, week 52"},
      {"", "next friday 25 december", "", "", "", "Friday 2026-12-25, week 52"},
      {"", "", "", "last 3 march", "", "-266 days (8 months 21 days) from Tuesday 2026-11-24 to Tuesday 2026-03-03"},
      {"", "this tuesday", "", "", "", "Tuesday 2026-11-24, week 48"},
      {"", "this wednesday", "", "", "", "Wednesday 2026-11-25, week 48"},
      {"", "this monday", "", "", "", "Monday 2026-11-30, week 49"},
      {"", "last 14:00", "", "", "",
       "time: \"last 14:00\" is not understood as a time: next and last go with a weekday, or with a day and its "
       "month: "
       "next friday, last 25 December"},
      {"", "next tomorrow", "", "", "",
       "time: \"next tomorrow\" is not understood as a time: next and last go with a weekday, or with a day and its "
       "month: next friday, last 25 December"},
      {"", "last 2026-11-01", "", "", "",
       "time: \"last 2026-11-01\" is not understood as a time: next and last go with a weekday, or with a day and its "
       "month: next friday, last 25 December"},
      {"", "next 31 february", "", "", "",
       "time: \"next 31 february\" is not understood as a time: February 2026 has no day 31"},
  });
}

TEST_CASE("a time that is not understood says why") {
  run({
      {"", "13pm", "", "", "", "time: \"13pm\" is not understood as a time: with am or pm, hours go from 1 to 12"},
      {"", "mon, 25 Dec 2026", "", "", "",
       "time: \"mon, 25 Dec 2026\" is not understood as a time: that day is a Friday"},
      {"", "2025-W53", "", "", "", "time: \"2025-W53\" is not understood as a time: that year has 52 weeks"},
      {"", "12/25/2026", "", "", "",
       "time: \"12/25/2026\" is not understood as a time: it can be read in two ways: write 2026-03-29"},
      {"", "1700000000000000", "", "", "",
       "time: \"1700000000000000\" is not understood as a time: that many seconds leave the calendar"},
      {"", "2026-02-30", "", "", "", "time: \"2026-02-30\" is not understood as a time: February 2026 has no day 30"},
      {"", "2023-02-29", "", "", "", "time: \"2023-02-29\" is not understood as a time: February 2023 has no day 29"},
      {"", "2026-13-01", "", "", "", "time: \"2026-13-01\" is not understood as a time: there is no month 13"},
      {"", "25:00", "", "", "",
       "time: \"25:00\" is not understood as a time: times of day go from 00:00:00 to 23:59:59"},
      {"", "14:60", "", "", "",
       "time: \"14:60\" is not understood as a time: times of day go from 00:00:00 to 23:59:59"},
      {"", "hello", "", "", "",
       "time: \"hello\" is not understood as a time: expected something like 2026-03-29 14:30, 14:30, tomorrow 9:00, "
       "next friday or now"},
      {"", "2026", "", "", "", "time: \"2026\" is not understood as a time: a year needs a month and a day"},
      {"", "March", "", "", "",
       "time: \"March\" is not understood as a time: a month needs a day: 1 March, or March 1"},
      {"", "next sept 2027", "", "", "",
       "time: \"next sept 2027\" is not understood as a time: a month needs a day: 1 September, or September 1"},
      {"", "25", "", "", "",
       "time: \"25\" is not understood as a time: a day needs its month: 25 December, or 2026-12-25"},
      {"", "2026-11-24 2026-11-25", "", "", "",
       "time: \"2026-11-24 2026-11-25\" is not understood as a time: two dates"},
      {"", "14:00 Foo", "", "", "",
       "time: unknown time zone \"Foo\". Give an IANA name (Europe/Berlin), a large city or an offset (+02:00)"},
      {"", "0000-01-01", "", "", "", "time: \"0000-01-01\" is not understood as a time: years go from 0001 to 9999"},
      {"", "in 3 foos", "", "", "",
       "time: unknown unit of time \"foos\": use seconds, minutes, hours, days, weeks, months or years"},
      {"", "14h30", "", "", "",
       "time: \"14h30\" is not understood as a time: expected something like 2026-03-29 14:30, 14:30, tomorrow 9:00, "
       "next friday or now"},
      {"", "10:00:61", "", "", "",
       "time: \"10:00:61\" is not understood as a time: times of day go from 00:00:00 to 23:59:59"},
      {"", "am", "", "", "", "time: \"am\" is not understood as a time: am and pm follow an hour"},
      {"", "2026-03-29T99:00", "", "", "",
       "time: \"2026-03-29T99:00\" is not understood as a time: times of day go from 00:00:00 to 23:59:59"},
      {"", "2026-03-29Tfoo", "", "", "",
       "time: \"2026-03-29Tfoo\" is not understood as a time: \"foo\" is no time of day"},
      {"", "2026-W00", "", "", "",
       "time: \"2026-W00\" is not understood as a time: a week is written 2026-W13 or 2026-W13-7"},
      {"", "2026-W13-8", "", "", "",
       "time: \"2026-W13-8\" is not understood as a time: the days of a week are 1 (Monday) to 7"},
      {"", "now 14:00", "", "", "", "time: \"now 14:00\" is not understood as a time: a moment and parts of another"},
  });
}

TEST_CASE("spans are added by the rules of the calendar") {
  run({
      {"", "2026-01-31", "1 month", "", "", "Saturday 2026-02-28, week 9"},
      {"", "2024-01-31", "1 month", "", "", "Thursday 2024-02-29, week 9"},
      {"", "2024-02-29", "1 year", "", "", "Friday 2025-02-28, week 9"},
      {"", "2024-02-29", "4 years", "", "", "Tuesday 2028-02-29, week 9"},
      {"", "2026-03-31", "-1 month", "", "", "Saturday 2026-02-28, week 9"},
      {"", "2026-11-24", "+3 days", "", "", "Friday 2026-11-27, week 48"},
      {"", "2026-11-24", "3 days ago", "", "", "Saturday 2026-11-21, week 47"},
      {"", "2026-11-24", "a week", "", "", "Tuesday 2026-12-01, week 49"},
      {"", "2026-11-24", "1 month 2 days", "", "", "Saturday 2026-12-26, week 52"},
      {"", "2026-11-24 10:00", "2h30m", "", "", "Tuesday 2026-11-24 12:30:00 UTC, week 48"},
      {"", "2026-11-24 10:00", "1.5 hours", "", "", "Tuesday 2026-11-24 11:30:00 UTC, week 48"},
      {"", "2026-11-24", "1.5 years", "", "", "Wednesday 2028-05-24, week 21"},
      {"", "2026-11-24", "1.5 days", "", "", "Wednesday 2026-11-25 12:00:00 UTC, week 48"},
      {"", "2026-11-24", "90 minutes", "", "", "Tuesday 2026-11-24 01:30:00 UTC, week 48"},
      {"Berlin", "2026-03-28 12:00", "1 day", "", "",
       "Sunday 2026-03-29 12:00:00 CEST (UTC+02:00, Europe/Berlin), week 13"},
      {"Berlin", "2026-03-28 12:00", "24 hours", "", "",
       "Sunday 2026-03-29 13:00:00 CEST (UTC+02:00, Europe/Berlin), week 13"},
      {"Berlin", "2026-03-28 02:30", "1 day", "", "",
       "Sunday 2026-03-29 03:30:00 CEST (UTC+02:00, Europe/Berlin), week 13\nnote: 2026-03-29 02:30:00 does not exist "
       "in Europe/Berlin: the clocks go forward there; taken as 2026-03-29 03:30:00"},
      {"", "2100-02-28", "1 day", "", "", "Monday 2100-03-01, week 9"},
      {"", "2000-02-28", "1 day", "", "", "Tuesday 2000-02-29, week 9"},
      {"", "2026-01-30", "1 month 1 day", "", "", "Sunday 2026-03-01, week 9"},
      {"", "2026-01-01", "-1 day", "", "", "Wednesday 2025-12-31, week 1 of 2026"},
      {"", "2026-08-31", "-6 months", "", "", "Saturday 2026-02-28, week 9"},
      {"", "2026-11-24", "+1 week -2 days", "", "", "Sunday 2026-11-29, week 48"},
      {"", "2026-11-24", "2 days before", "", "", "Sunday 2026-11-22, week 47"},
      {"", "2026-11-24", "1 century", "", "", "Sunday 2126-11-24, week 47"},
      {"", "2026-11-24", "1 quarter", "", "", "Wednesday 2027-02-24, week 8"},
      {"", "2026-11-24", "0 days", "", "", "Tuesday 2026-11-24, week 48"},
  });
}

TEST_CASE("a span that is not understood says why") {
  run({
      {"", "9999-12-31", "1 day", "", "", "add: the result leaves the years 1 to 9999"},
      {"", "2026-11-24", "1.5 months", "", "", "add: months and years are added whole; use days for parts of them"},
      {"", "2026-11-24", "3 foos", "", "",
       "add: unknown unit of time \"foos\": use seconds, minutes, hours, days, weeks, months or years"},
      {"", "2026-11-24", "3", "", "",
       "add: \"3\" is not understood as a span of time: write for example \"3 days\" or \"-2 months 1 week\""},
      {"", "2026-11-24", "days", "", "", "add: how many days? write for example \"3 days\""},
      {"", "2026-11-24", "dayz", "", "", "add: unknown unit of time \"dayz\"; did you mean day?"},
      {"", "2026-11-24", "1000000 years", "", "", "add: the result leaves the years 1 to 9999"},
      {"", "2026-11-24", "9999999999 days", "", "", "add: more than 1,000,000,000 of a unit of time"},
      {"", "2026-11-24", "1 mounth", "", "", "add: unknown unit of time \"mounth\"; did you mean month?"},
  });
}

TEST_CASE("the time between two moments is told in days, or to the second") {
  run({
      {"", "2026-11-24", "", "2026-12-25", "", "31 days (1 month 1 day) from Tuesday 2026-11-24 to Friday 2026-12-25"},
      {"", "2026-11-24", "", "2027-12-25", "",
       "396 days (1 year 1 month 1 day) from Tuesday 2026-11-24 to Saturday 2027-12-25"},
      {"", "2026-12-25", "", "2026-11-24", "", "-31 days (1 month 1 day) from Friday 2026-12-25 to Tuesday 2026-11-24"},
      {"", "2024-02-29", "", "2025-02-28", "", "365 days (1 year) from Thursday 2024-02-29 to Friday 2025-02-28"},
      {"", "2024-02-29", "", "2024-03-01", "", "1 day from Thursday 2024-02-29 to Friday 2024-03-01"},
      {"", "2026-11-24", "", "2026-11-24", "", "0 days from Tuesday 2026-11-24 to Tuesday 2026-11-24"},
      {"", "2026-11-24 10:00", "", "2026-11-25 11:30:15", "",
       "1 day 1 hour 30 minutes 15 seconds (91815 seconds) from Tuesday 2026-11-24 10:00:00 UTC to Wednesday "
       "2026-11-25 11:30:15 UTC"},
      {"", "2026-11-24 10:00", "", "2026-11-24 10:00:30", "",
       "30 seconds from Tuesday 2026-11-24 10:00:00 UTC to Tuesday 2026-11-24 10:00:30 UTC"},
      {"", "2026-11-25 10:00", "", "2026-11-24 09:00", "",
       "-1 day 1 hour (-90000 seconds) from Wednesday 2026-11-25 10:00:00 UTC to Tuesday 2026-11-24 09:00:00 UTC"},
      {"Berlin", "2026-03-29 00:00", "", "2026-03-30 00:00", "",
       "23 hours (82800 seconds) from Sunday 2026-03-29 00:00:00 CET (UTC+01:00, Europe/Berlin) to Monday 2026-03-30 "
       "00:00:00 CEST (UTC+02:00, Europe/Berlin)"},
      {"Berlin", "2026-03-29 00:00 UTC", "", "2026-03-30 00:00", "",
       "22 hours (79200 seconds) from Sunday 2026-03-29 00:00:00 UTC to Monday 2026-03-30 00:00:00 CEST (UTC+02:00, "
       "Europe/Berlin)"},
      {"", "2026-11-24", "", "14:00", "",
       "14 hours (50400 seconds) from Tuesday 2026-11-24 00:00:00 UTC to Tuesday 2026-11-24 14:00:00 UTC"},
      {"", "2024-01-31", "", "2024-03-01", "",
       "30 days (1 month 1 day) from Wednesday 2024-01-31 to Friday 2024-03-01"},
  });
}

TEST_CASE("a format decides how a moment is written") {
  run({
      {"", "", "", "", "iso", "2026-11-24T09:22:05Z"},
      {"Tokyo", "", "", "", "iso", "2026-11-24T18:22:05+09:00"},
      {"", "", "", "", "date", "2026-11-24"},
      {"", "", "", "", "time", "09:22:05"},
      {"", "", "", "", "weekday", "Tuesday"},
      {"", "", "", "", "week", "2026-W48"},
      {"", "", "", "", "unix", "1795512125"},
      {"", "", "", "", "%A, %e %B %Y, %I:%M %p %Z %z", "Tuesday, 24 November 2026, 09:22 AM UTC +0000"},
      {"", "", "", "", "%Q",
       "format: unknown conversion %Q in a format: known are %Y %y %m %d %e %H %I %M %S %p %A %a %B %b %j %u %w %V %G "
       "%F %T %R %z %Z %s %%"},
      {"", "", "", "", "abc", "format: a format without any conversion: \"abc\"; write for example %A %H:%M, or iso"},
      {"", "", "", "", "100%", "format: a format ends in a lone %; write %% for a percent sign"},
      {"", "2027-01-03", "", "", "week", "2026-W53"},
  });
}

TEST_CASE("a result may be shown in another zone") {
  Tuesday environment;
  const Tools tools = clock_tool();
  CHECK(call(environment, tools, "clock", {{"time", "14:00"}, {"zone", "New York"}, {"to_zone", "Tokyo"}}) ==
        "Wednesday 2026-11-25 04:00:00 JST (UTC+09:00, Asia/Tokyo), week 48");
  CHECK(call(environment, tools, "clock", {{"to_zone", "Tokyo"}}) ==
        "Tuesday 2026-11-24 18:22:05 JST (UTC+09:00, Asia/Tokyo), week 48");
  CHECK(call(environment, tools, "clock", {{"time", "2026-07-01"}, {"to_zone", "Berlin"}, {"format", "iso"}}) ==
        "2026-07-01T02:00:00+02:00");
  CHECK(
      call_error(environment, tools, "clock", {{"to_zone", "Tokio"}}).message() ==
      "to_zone: unknown time zone \"Tokio\"; did you mean Asia/Tokyo? Give an IANA name (Europe/Berlin), a large city "
      "or an offset (+02:00)");
}

TEST_CASE("until looks ahead: the next such day or hour is meant") {
  Tuesday environment;
  const Tools tools = clock_tool();
  const auto until = [&](const char* text) { return call(environment, tools, "clock", {{"until", text}}); };
  CHECK(until("25 December") == "31 days (1 month 1 day) from Tuesday 2026-11-24 to Friday 2026-12-25");
  CHECK(until("3 March") == "99 days (3 months 7 days) from Tuesday 2026-11-24 to Wednesday 2027-03-03");
  CHECK(until("tomorrow") == "1 day from Tuesday 2026-11-24 to Wednesday 2026-11-25");
  CHECK(until("24 November") == "0 days from Tuesday 2026-11-24 to Tuesday 2026-11-24");
  CHECK(until("2026-11-01") == "-23 days from Tuesday 2026-11-24 to Sunday 2026-11-01");
  CHECK(until("10:00") ==
        "37 minutes 55 seconds from Tuesday 2026-11-24 09:22:05 UTC to Tuesday 2026-11-24 10:00:00 UTC");
  CHECK(until("9:00") ==
        "23 hours 37 minutes 55 seconds (85075 seconds) from Tuesday 2026-11-24 09:22:05 UTC to "
        "Wednesday 2026-11-25 09:00:00 UTC");
  CHECK(call(environment, tools, "clock", {{"time", "8:00"}, {"until", "9:00"}}) ==
        "1 hour (3600 seconds) from Tuesday 2026-11-24 08:00:00 UTC to Tuesday 2026-11-24 09:00:00 UTC");
  CHECK(call_error(environment, tools, "clock", {{"until", "29 February"}}).message() ==
        "until: \"29 February\" is not understood as a time: February 2026 has no day 29");
}

TEST_CASE("the option zone is what is meant where none is said") {
  Tuesday environment;
  CHECK(call(environment, clock_tool({{"zone", "Europe/Berlin"}}), "clock", {}) ==
        "Tuesday 2026-11-24 10:22:05 CET (UTC+01:00, Europe/Berlin), week 48");
  CHECK(call(environment, clock_tool({}), "clock", {{"format", "%s"}}) == "1795512125");
}

TEST_CASE("without the option the clock goes by TZ, then by the machine") {
  Tuesday environment;
  const auto zone_of = [&](const char* value) {
    const Variable variable("TZ", value);
    return call(environment, clock_tool({}), "clock", {{"format", "%Z %z"}});
  };
  CHECK(zone_of("Asia/Tokyo") == "JST +0900");
  CHECK(zone_of(":America/New_York") == "EST -0500");
  CHECK(zone_of("UTC") == "UTC +0000");
  CHECK(zone_of("no such zone") == zone_of(nullptr));
  {
    const Variable variable("TZ", "Asia/Tokyo");
    CHECK(call(environment, clock_tool({{"zone", "UTC"}}), "clock", {{"format", "%z"}}) == "+0000");
    CHECK(call(environment, clock_tool({{"zone", "UTC"}}), "clock", {{"zone", "local"}, {"format", "%z"}}) == "+0900");
  }
}

TEST_CASE("a wrong option is refused when the agent is made") {
  const auto refusal = [](json::object options) {
    const Error error = error_of([&] { return clock_tool(options); });
    CHECK(error.code() == errc::config);
    return error.message();
  };
  CHECK(refusal({{"zon", "UTC"}}) == "the tool 'clock' has no option 'zon'; did you mean 'zone'?");
  CHECK(refusal({{"zone", 3}}) == "the tool 'clock': options.zone: expected a string, got number 3");
  CHECK(refusal({{"zone", "Tokio"}}) ==
        "the tool 'clock': options.zone: unknown time zone \"Tokio\"; did you mean Asia/Tokyo? Give an IANA name "
        "(Europe/Berlin), a large city or an offset (+02:00)");
}

TEST_CASE("arguments that models leave empty count as left out") {
  Tuesday environment;
  CHECK(call(environment, clock_tool(), "clock", {{"zone", ""}, {"time", ""}, {"until", nullptr}}) ==
        "Tuesday 2026-11-24 09:22:05 UTC, week 48");
}

TEST_CASE("the clock is harmless to repeat and touches nothing") {
  const Tools tools = clock_tool();
  CHECK(tools.front()->spec().touches == Touches{});
  CHECK(tools.front()->spec().repeat == Repeat::idempotent);
}
