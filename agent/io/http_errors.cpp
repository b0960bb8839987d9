// From curl's results to our closed list of errors, with words that name the peer and what was going on.
#include <sennit/agent/io/http_transfer.hpp>

#include <string>

namespace sennit::http {
namespace {

struct UrlCleanup {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using ParsedUrl = std::unique_ptr<CURLU, UrlCleanup>;

ParsedUrl parse(const std::string& url) {
  ParsedUrl parsed(curl_url());
  if (parsed && curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) parsed.reset();
  return parsed;
}

std::string part(const ParsedUrl& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

// What may be shown of a URL that curl cannot parse. Who knows where its parts end: a password may hold any character,
// so nothing before the last @ is shown.
std::string without_secrets(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t authority = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t at = url.rfind('@');
  std::string shown = url.substr(at == std::string::npos || at < authority ? 0 : at + 1);
  if (shown.size() < url.size()) shown.insert(0, url, 0, authority);
  return shown.substr(0, shown.find_first_of("?#"));
}

// curl's own words, or the name of its result where it left none.
std::string words_or_name(std::string_view words, CURLcode result) {
  return words.empty() ? std::string(curl_easy_strerror(result)) : std::string(words);
}

bool about_certificates(CURLcode result) {
  return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
         result == CURLE_SSL_ISSUER_ERROR || result == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

bool about_the_request(CURLcode result) {
  return result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_URL_MALFORMAT;
}

bool about_a_header_line(CURLcode result, Phase phase) {
#if LIBCURL_VERSION_NUM >= 0x080600
  if (result == CURLE_TOO_LARGE) return true;
#endif
  return result == CURLE_OUT_OF_MEMORY && phase == Phase::body;
}

Error connect_failure(CURLcode result, const Request& request, const std::string& words) {
  const std::string peer = host_and_port(request.url);
  if (result == CURLE_OPERATION_TIMEDOUT) return deadline_failure(Phase::connect, false, request);
  Error error(errc::connect_failed, "cannot connect to " + peer + ": " + words);
  // A wrong certificate stays wrong.
  return about_certificates(result) ? error : std::move(error).retry();
}

bool cut_short(CURLcode result) {
  switch (result) {
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string host_and_port(const std::string& url) {
  const ParsedUrl parsed = parse(url);
  if (!parsed) return without_secrets(url).substr(0, 64);
  return part(parsed, CURLUPART_HOST) + ":" + part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string public_url(const std::string& url) {
  const ParsedUrl parsed = parse(url);
  if (!parsed) return without_secrets(url);
  for (const CURLUPart secret : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(parsed.get(), secret, nullptr, 0);
  }
  return part(parsed, CURLUPART_URL);
}

Error failure(CURLcode result, Phase phase, const Request& request, std::string_view raw_words) {
  const std::string words = words_or_name(raw_words, result);
  const std::string where = public_url(request.url);
  if (phase == Phase::connect && about_the_request(result)) {
    return Error(errc::invalid_argument, "not a usable http or https URL: " + words).at(where);
  }
  if (phase == Phase::connect) return connect_failure(result, request, words).at(where);
  const std::string peer = host_and_port(request.url);
  if (about_a_header_line(result, phase)) {
    return Error(errc::too_large, "a header line of the answer exceeds curl's bound of 100 KiB").at(where);
  }
  if (cut_short(result) && words.find("chunk") == std::string::npos) {
    const char* const moment =
        phase == Phase::first_byte ? " ended before it answered: " : " ended its answer too early: ";
    return Error(errc::truncated, peer + moment + words).retry().at(where);
  }
  return Error(errc::protocol, peer + " broke the HTTP protocol: " + words).at(where);
}

Error deadline_failure(Phase phase, bool total, const Request& request) {
  const std::string peer = host_and_port(request.url);
  const Deadlines& limits = request.deadlines;
  const auto ms = [](milliseconds limit) { return std::to_string(limit.count()) + " ms"; };
  std::string message;
  if (total) {
    message = peer + ": the answer was not complete within " + ms(limits.total) + " (total deadline)";
    return Error(errc::timeout, std::move(message)).at(public_url(request.url));
  }
  switch (phase) {
    case Phase::connect:
      message = peer + ": no connection within " + ms(limits.connect) + " (connect deadline)";
      break;
    case Phase::first_byte:
      message = peer + ": no first byte within " + ms(limits.first_byte) + " of the request (first_byte deadline)";
      break;
    default:
      message = peer + ": silent for " + ms(limits.idle) + " in the middle of its answer (idle deadline)";
      break;
  }
  return Error(errc::timeout, std::move(message)).retry().at(public_url(request.url));
}

}  // namespace sennit::http
