#include <sennit/agent/schema/checker.hpp>
#include <sennit/agent/schema/typed_json.hpp>

#include <fmt/format.h>

#include <cmath>

namespace sennit::detail {

void refuse(const JsonPath& path, std::string_view what, const json::value& value) {
  throw Error(errc::invalid_argument, fmt::format("{}: expected {}, got {}", path.text(), what, describe_value(value)));
}

std::int64_t read_signed(const json::value& value, const JsonPath& path, std::int64_t low, std::int64_t high) {
  if (!(type_bits(value) & kIntegerType)) refuse(path, "an integer", value);
  boost::system::error_code failed;
  const auto number = value.to_number<std::int64_t>(failed);
  if (failed || number < low || number > high) refuse(path, fmt::format("an integer from {} to {}", low, high), value);
  return number;
}

std::uint64_t read_unsigned(const json::value& value, const JsonPath& path, std::uint64_t high) {
  if (!(type_bits(value) & kIntegerType)) refuse(path, "an integer", value);
  boost::system::error_code failed;
  const auto number = value.to_number<std::uint64_t>(failed);
  if (failed || number > high) refuse(path, fmt::format("an integer from 0 to {}", high), value);
  return number;
}

double read_double(const json::value& value, const JsonPath& path) {
  if (!value.is_number()) refuse(path, "a number", value);
  return value.to_number<double>();
}

const json::string& read_string(const json::value& value, const JsonPath& path) {
  if (!value.is_string()) refuse(path, "a string", value);
  return value.get_string();
}

const json::array& read_array(const json::value& value, const JsonPath& path) {
  if (!value.is_array()) refuse(path, "an array", value);
  return value.get_array();
}

const json::object& read_object(const json::value& value, const JsonPath& path) {
  if (!value.is_object()) refuse(path, "an object", value);
  return value.get_object();
}

json::value number(double value) {
  constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53
  if (!std::isfinite(value)) return nullptr;
  if (std::floor(value) == value && std::fabs(value) <= kMaxExactInteger) return static_cast<std::int64_t>(value);
  return value;
}

}  // namespace sennit::detail
