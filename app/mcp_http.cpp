#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/app/mcp_http.hpp>
#include <sennit/mcp/server/seal.hpp>

#include <fmt/format.h>

#include <charconv>

namespace sennit::app {
namespace {

// 64 bits in hex: shorter ones can be guessed.
constexpr std::size_t kShortestToken = 16;

Error wrong(std::string message) {
  return {errc::invalid_argument, std::move(message)};
}

std::uint16_t read_port(const std::string& listen, std::string_view digits) {
  std::uint16_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size()) {
    throw wrong("--http " + listen + ": HOST:PORT is wanted, such as 127.0.0.1:8080; port 0 takes one that is free");
  }
  return port;
}

}  // namespace

http::ServerOptions listen_options(const McpHttpSettings& settings) {
  http::ServerOptions options;
  const std::string_view listen = settings.listen;
  const std::size_t colon = listen.rfind(':');
  options.port = read_port(settings.listen, colon == std::string_view::npos ? listen : listen.substr(colon + 1));
  std::string_view host = colon == std::string_view::npos ? std::string_view() : listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (!host.empty()) options.address = host;
  return options;
}

mcp::HttpAccess access_of(const McpHttpSettings& settings, Environment& environment, bool& made) {
  mcp::HttpAccess access;
  access.address = listen_options(settings).address;
  access.path = settings.path;
  access.hosts = settings.hosts;
  access.origins = settings.origins;
  if (!settings.path.starts_with('/')) throw wrong("--path " + settings.path + ": it begins with /");
  if (settings.no_token) {
    if (!settings.token.empty()) throw wrong("--no-token contradicts --token");
    if (!mcp::is_local(access.address)) {
      throw wrong("--no-token is for this machine alone, and " + access.address + " can be reached from others");
    }
    return access;
  }
  made = settings.token.empty();
  if (made) {
    access.token = mcp::random_word(environment);
    secrets::add(access.token);
    return access;
  }
  if (!has_reference(settings.token)) {
    throw wrong("--token is a reference, because everybody can read a command line: '${env:NAME}' or '${file:PATH}'");
  }
  access.token = Secret(settings.token).resolve();
  if (access.token.size() < kShortestToken) {
    throw wrong(fmt::format("the token of --token has fewer than {} characters: it can be guessed", kShortestToken));
  }
  return access;
}

}  // namespace sennit::app
