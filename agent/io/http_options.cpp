// A Request in curl's terms, and the callbacks through which curl talks to a Transfer.
#include <sennit/agent/io/http_transfer.hpp>

#include <algorithm>
#include <cctype>
#include <climits>

namespace sennit::http {
namespace {

// Measured: a smaller buffer costs more reads in a burst, a larger one memory in each of thousands of streams.
constexpr long kReceiveBuffer = 1024;
// Request bodies above 64 KiB are sent through a buffer that lives as long as the answer.
constexpr long kSendBuffer = 16'384;
// Keeps NAT entries alive while a model thinks.
constexpr long kTcpKeepaliveSeconds = 60;

std::size_t header_callback(char* data, std::size_t size, std::size_t count, void* transfer) noexcept {
  return static_cast<Transfer*>(transfer)->on_header({data, size * count}) ? size * count : 0;
}

std::size_t body_callback(char* data, std::size_t size, std::size_t count, void* transfer) noexcept {
  return static_cast<Transfer*>(transfer)->on_body({data, size * count});
}

int connected_callback(void* transfer, char* peer_ip, char*, int, int) noexcept {
  return static_cast<Transfer*>(transfer)->on_connected(peer_ip) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

curl_socket_t open_socket_callback(void* transfer, curlsocktype, curl_sockaddr* address) noexcept {
  return static_cast<Transfer*>(transfer)->on_open_socket(*address);
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

HeaderList header_list(const Request& request) {
  HeaderList list;
  const auto add = [&list](const char* line) {
    curl_slist* const longer = curl_slist_append(list.get(), line);
    if (longer == nullptr) throw Error(errc::internal, "libcurl: out of memory");
    if (list == nullptr) list.reset(longer);  // appending keeps the head, once there is one
  };
  bool has_type = false;
  std::string line;
  for (const Header& header : request.headers) {
    has_type = has_type || same_name(header.name, "content-type");
    // curl drops "Name:" and sends "Name;" as a header without value.
    line.assign(header.name).append(header.value.empty() ? ";" : ": ").append(header.value);
    add(line.c_str());
  }
  add("Expect:");                       // no round trip for "100 Continue"
  if (!has_type) add("Content-Type:");  // curl would claim a form
  return list;
}

void set_body(CURL* easy, const Request& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());  // not copied: the transfer keeps it
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kSendBuffer);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_network(CURL* easy, Transfer& transfer, Engine& engine, const Request& request) {
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // One TLS connection for many requests where the server speaks HTTP/2, also when they start together.
  const bool secure = request.url.size() > 5 && same_name(std::string_view(request.url).substr(0, 6), "https:");
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, secure ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, request.proxy.c_str());  // even an empty one keeps curl off the environment
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!request.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kTcpKeepaliveSeconds);
  // The deadline is ours; curl is told so that it divides the time among a host's several addresses.
  const auto connect = std::min<long long>(request.deadlines.connect.count(), INT_MAX);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect > 0 ? static_cast<long>(connect) : long{INT_MAX});
  // Names are looked up by a thread of curl's for each connection, and getaddrinfo cannot be stopped: without this,
  // taking a transfer off curl waits for that thread, and the whole loop with it.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket_callback);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  // The connection outlives the transfer, so closing it is the engine's business.
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &Engine::close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, &engine);
}

bool token(std::string_view text) {
  static constexpr std::string_view kExtra = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || kExtra.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

}  // namespace

HeaderList configure(CURL* easy, Transfer& transfer, Engine& engine, const Request& request) {
  HeaderList headers = header_list(request);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // what a policy has judged is what is asked for
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "sennit");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &header_callback);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &body_callback);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &connected_callback);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);
  if (request.gzip) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  if (request.once) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  set_network(easy, transfer, engine, request);
  set_body(easy, request);
  return headers;
}

void validate(const Request& request) {
  if (!token(request.method)) {
    throw Error(errc::invalid_argument, "\"" + request.method + "\" is not an HTTP method");
  }
  if (request.url.find('\0') != std::string::npos) throw Error(errc::invalid_argument, "the URL contains a NUL byte");
  for (const Header& header : request.headers) {
    if (!token(header.name)) throw Error(errc::invalid_argument, "\"" + header.name + "\" is not a header name");
    if (header.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      throw Error(errc::invalid_argument, "the value of header " + header.name + " contains a line break or NUL");
    }
  }
}

}  // namespace sennit::http
