// The public face of the HTTP client: transfers as coroutines.
#include <sennit/agent/io/http_transfer.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace sennit::http {
namespace {

// curl looks for a connection to reuse among all it has to that host: with thousands in one multi handle, starting
// takes quadratic time. So a client has several, and a new one only once the others are full.
constexpr std::size_t kTransfersPerEngine = 512;
// Kept open while an engine is idle; the further engines are for bursts.
constexpr std::size_t kIdleConnections = 256;
constexpr std::size_t kIdleConnectionsOfFurther = 16;

class StreamedResponse final : public Response {
 public:
  explicit StreamedResponse(std::unique_ptr<Transfer> transfer) : transfer_(std::move(transfer)) {}

  [[nodiscard]] int status() const override { return transfer_->status(); }
  [[nodiscard]] const std::vector<Header>& headers() const override { return transfer_->headers(); }
  [[nodiscard]] asio::awaitable<std::string_view> read() override { return transfer_->read(); }
  void allow_silence(milliseconds limit) override { transfer_->allow_silence(limit); }

  [[nodiscard]] std::string_view header(std::string_view name) const override {
    const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
    for (const Header& header : transfer_->headers()) {
      if (std::equal(name.begin(), name.end(), header.name.begin(), header.name.end(), same)) return header.value;
    }
    return {};
  }

 private:
  std::unique_ptr<Transfer> transfer_;
};

class CurlClient final : public Client {
 public:
  CurlClient(asio::any_io_executor executor, LogSink log) : executor_(std::move(executor)), log_(std::move(log)) {}
  ~CurlClient() override {
    for (const auto& engine : engines_) engine->close();
  }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  [[nodiscard]] asio::awaitable<std::unique_ptr<Response>> send(Request request) override {
    auto transfer = std::make_unique<Transfer>(engine_with_room(), std::move(request));
    co_await transfer->begin();
    co_return std::make_unique<StreamedResponse>(std::move(transfer));
  }

 private:
  const std::shared_ptr<Engine>& engine_with_room() {
    for (const auto& engine : engines_) {
      if (engine->active() < kTransfersPerEngine) return engine;
    }
    const std::size_t idle = engines_.empty() ? kIdleConnections : kIdleConnectionsOfFurther;
    return engines_.emplace_back(std::make_shared<Engine>(executor_, idle, log_));
  }

  asio::any_io_executor executor_;
  LogSink log_;
  std::vector<std::shared_ptr<Engine>> engines_;
};

}  // namespace

std::unique_ptr<Client> make_client(asio::any_io_executor executor, LogSink log) {
  return std::make_unique<CurlClient>(std::move(executor), std::move(log));
}

asio::awaitable<std::string> read_all(Response& response) {
  std::string body;
  for (;;) {
    const std::string_view piece = co_await response.read();
    if (piece.empty()) co_return body;
    body.append(piece);
  }
}

}  // namespace sennit::http
