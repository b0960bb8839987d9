#include <sennit/agent/io/error.hpp>

#include <boost/system/system_error.hpp>

#include <array>
#include <utility>

namespace sennit {
namespace {

constexpr std::array<std::pair<errc, std::string_view>, 28> kNames{{
    {errc::invalid_argument, "invalid_argument"},
    {errc::config, "config"},
    {errc::not_found, "not_found"},
    {errc::busy, "busy"},
    {errc::cancelled, "cancelled"},
    {errc::connect_failed, "connect_failed"},
    {errc::timeout, "timeout"},
    {errc::truncated, "truncated"},
    {errc::protocol, "protocol"},
    {errc::too_large, "too_large"},
    {errc::bad_request, "bad_request"},
    {errc::context_length, "context_length"},
    {errc::authentication, "authentication"},
    {errc::permission, "permission"},
    {errc::quota, "quota"},
    {errc::rate_limited, "rate_limited"},
    {errc::overloaded, "overloaded"},
    {errc::server, "server"},
    {errc::content_filter, "content_filter"},
    {errc::empty_response, "empty_response"},
    {errc::limit, "limit"},
    {errc::tool, "tool"},
    {errc::denied, "denied"},
    {errc::suspended, "suspended"},
    {errc::diverged, "diverged"},
    {errc::storage, "storage"},
    {errc::io, "io"},
    {errc::internal, "internal"},
}};

}  // namespace

std::string_view to_string(errc code) noexcept {
  for (const auto& [value, name] : kNames) {
    if (value == code) return name;
  }
  return "internal";
}

std::optional<errc> parse_errc(std::string_view name) noexcept {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Error::Error(errc code, std::string message) : words_(std::make_shared<Words>(Words{code, std::move(message)})) {}

Error::Words& Error::own() {
  if (words_.use_count() > 1) words_ = std::make_shared<Words>(*words_);
  return *words_;
}

Error Error::at(std::string where) && {
  own().where = std::move(where);
  return *this;
}

Error Error::retry(std::optional<std::chrono::milliseconds> after) && {
  Words& words = own();
  words.retryable = true;
  words.retry_after = after;
  return *this;
}

Error Error::provider(int status, std::string type, std::string words) && {
  Words& own_words = own();
  own_words.status = status;
  own_words.provider_type = std::move(type);
  own_words.provider_message = std::move(words);
  return *this;
}

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::system::errc::operation_canceled) return Error(errc::cancelled, "cancelled");
    return Error(errc::io, error.code().message());
  } catch (const std::bad_alloc&) {
    return Error(errc::internal, "out of memory");
  } catch (const std::exception& error) {
    return Error(errc::internal, error.what());
  } catch (...) {
    return Error(errc::internal, "an exception of unknown type");
  }
}

}  // namespace sennit
