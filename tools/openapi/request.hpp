// Private: A tool's arguments as an HTTP request, by the rules of the operation.
#pragma once

#include <sennit/tools/http_exchange.hpp>
#include <sennit/tools/openapi/operations.hpp>

#include <string>
#include <string_view>

namespace sennit::openapi {

/// The request without credentials. `base` is the server's URL. Throws Error(errc::invalid_argument) for values that
/// cannot stand where they belong: a path's part that is empty or leads upwards, a line break in a header.
[[nodiscard]] http::Call make_call(const Operation& operation, std::string_view base, const json::object& arguments);

/// The path of the request, encoded, for policies. Throws like make_call().
[[nodiscard]] std::string path_of(const Operation& operation, const json::object& arguments);

/// Percent-encoded, but for letters, digits and `-._~`.
[[nodiscard]] std::string encoded(std::string_view text);

}  // namespace sennit::openapi
