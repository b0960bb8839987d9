// The public face of the HTTP client: transfers as coroutines.
#include <sennit/agent/io/http_transfer.hpp>

#include <algorithm>
#include <cctype>

namespace sennit::http {
namespace {

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
  explicit CurlClient(const asio::any_io_executor& executor) : engine_(std::make_shared<Engine>(executor)) {}
  ~CurlClient() override { engine_->close(); }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  [[nodiscard]] asio::awaitable<std::unique_ptr<Response>> send(Request request) override {
    auto transfer = std::make_unique<Transfer>(engine_, std::move(request));
    co_await transfer->begin();
    co_return std::make_unique<StreamedResponse>(std::move(transfer));
  }

 private:
  std::shared_ptr<Engine> engine_;
};

}  // namespace

std::unique_ptr<Client> make_client(asio::any_io_executor executor) {
  return std::make_unique<CurlClient>(executor);
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
