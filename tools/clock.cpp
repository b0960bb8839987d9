#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/calendar.hpp>
#include <sennit/tools/clock.hpp>
#include <sennit/tools/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit {
namespace {

using calendar::Moment;
using calendar::Zone;

struct ClockArgs {
  std::optional<std::string> zone;
  std::optional<std::string> time;
  std::optional<std::string> add;
  std::optional<std::string> until;
  std::optional<std::string> to_zone;
  std::optional<std::string> format;
};
SENNIT_DESCRIBE(ClockArgs, (zone, "city, IANA zone or offset: Tokyo, Europe/Berlin, +02:00"),
                (time, "a time instead of now: 2026-03-29 14:30, 14:30, tomorrow 9:00, next friday, 25 December 2026"),
                (add, "a span to add: 3 days, -2 months, 1 hour 30 minutes"),
                (until, "another time: answers how long it is until then"), (to_zone, "show the result in this zone"),
                (format, "strftime format such as %A %H:%M, or iso, date, time, weekday, week, unix"))

constexpr std::string_view kDescription =
    "Tells the current date and time, in any time zone. Converts times between zones, adds spans to dates, tells the "
    "weekday and week of a date and how long it is from one time to another. All arguments are optional.";

/// Names the argument that a failure is about.
template <class Read>
auto reading(std::string_view argument, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() != errc::invalid_argument) throw;
    throw Error(errc::invalid_argument, fmt::format("{}: {}", argument, error.message()));
  }
}

/// Models leave an argument empty instead of leaving it out.
bool given(const std::optional<std::string>& argument) {
  return argument && !argument->empty();
}

/// `home`: the zone that the options name; the local one is looked for where a call needs it.
std::string answer(const ClockArgs& args, const std::optional<Zone>& home, calendar::sys_seconds now) {
  std::vector<std::string> notes;
  const auto read = [&](std::string_view argument, auto step) {
    std::string note;
    auto result = reading(argument, [&] { return step(note); });
    if (!note.empty()) notes.push_back(std::move(note));
    return result;
  };
  const auto find_zone = [&](std::string_view argument, const std::string& name) {
    return reading(argument, [&] { return Zone::find(name); });
  };
  const auto look_at_season = [&notes](const Moment& moment) {
    std::string note = moment.date_only ? std::string() : moment.zone.wrong_season(moment.time);
    if (!note.empty() && std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(std::move(note));
  };
  const Zone zone = given(args.zone)                           ? find_zone("zone", *args.zone)
                    : given(args.to_zone) && !given(args.time) ? find_zone("to_zone", *args.to_zone)
                    : home                                     ? *home
                                                               : Zone::local();
  Moment moment{now, zone, false};
  if (given(args.time)) {
    moment = read("time", [&](std::string& note) { return calendar::read_moment(*args.time, now, zone, note); });
  }
  if (given(args.add)) {
    moment = read("add", [&](std::string& note) { return calendar::add_span(moment, *args.add, note); });
  }
  look_at_season(moment);
  std::string text;
  if (given(args.until)) {
    const bool from_now = !given(args.time) && !given(args.add);
    Moment end =
        read("until", [&](std::string& note) { return calendar::read_moment(*args.until, now, zone, note, from_now); });
    look_at_season(end);
    if (from_now && end.date_only) moment.date_only = true;  // from now to a day is counted in days
    text = calendar::describe_difference(moment, end);
  } else {
    if (given(args.to_zone)) {
      moment.zone = find_zone("to_zone", *args.to_zone);
      moment.date_only = false;
      look_at_season(moment);
    }
    text = given(args.format) ? reading("format", [&] { return calendar::format(moment, *args.format); })
                              : calendar::describe(moment);
  }
  for (const std::string& note : notes) text += "\nnote: " + note;
  return text;
}

struct ClockOptions {
  std::optional<std::string> zone;
};
SENNIT_DESCRIBE(ClockOptions,
                (zone, "the zone that is meant where none is said; default: that of TZ, then the machine's"))

/// Nothing if the options name none. To find the local one now would read the whole database at each start.
std::optional<Zone> home_zone(const json::object& given) {
  const auto options = read_options<ClockOptions>(given, "clock");
  if (!options.zone) return {};
  try {
    return Zone::find(*options.zone);
  } catch (const Error& error) {
    throw Error(errc::config, fmt::format("the tool 'clock': options.zone: {}", error.message()));
  }
}

asio::awaitable<std::string> tell(ClockArgs args, ToolContext& context, std::optional<Zone> home) {
  const auto now = std::chrono::floor<std::chrono::seconds>(context.environment().wall_now());
  // The first look at a zone reads its file.
  std::function<std::string()> job = [args = std::move(args), home = std::move(home), now] {
    return answer(args, home, now);
  };
  asio::awaitable<std::string> pending = context.environment().pool().run(std::move(job));
  std::string text = co_await std::move(pending);
  co_return text;
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_clock(const json::object& options, const PartContext& /*context*/) {
  const auto function = [home = home_zone(options)](ClockArgs args, ToolContext& context) {
    return tell(std::move(args), context, home);
  };
  return {make_tool("clock", std::string(kDescription), function, {.repeat = Repeat::idempotent})};
}

}  // namespace sennit
