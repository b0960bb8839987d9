#include "tools/ssrf_spellings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sennit::testing {
namespace {

std::string digits_as(const std::string& text, const std::array<const char*, 10>& digits) {
  std::string result;
  for (const char c : text)
    result += c >= '0' && c <= '9' ? digits[static_cast<std::size_t>(c - '0')] : std::string(1, c);
  return result;
}

std::string replaced(std::string text, char from, const std::string& to) {
  std::string result;
  for (const char c : text) result += c == from ? to : std::string(1, c);
  return result;
}

}  // namespace

std::vector<std::string> host_spellings(std::uint32_t address) {
  const std::uint32_t a = address >> 24U;
  const std::uint32_t b = address >> 16U & 0xffU;
  const std::uint32_t c = address >> 8U & 0xffU;
  const std::uint32_t d = address & 0xffU;
  const std::uint32_t low = address & 0xffffU;
  const std::uint32_t most = address & 0xffffffU;
  const std::uint32_t high = address >> 16U;
  const std::string plain = fmt::format("{}.{}.{}.{}", a, b, c, d);
  std::vector<std::string> hosts{
      plain,
      plain + ".",
      fmt::format("{}", address),
      fmt::format("{:#x}", address),
      fmt::format("{:#X}", address),
      fmt::format("0x{:016x}", address),
      fmt::format("0{:o}", address),
      fmt::format("0{:022o}", address),
      fmt::format("{}.{}", a, most),
      fmt::format("{}.{}.{}", a, b, low),
      fmt::format("{:#x}.{}", a, most),
      fmt::format("{:#x}.{:#x}", a, most),
      fmt::format("{:#x}.{:#x}.{:#x}", a, b, low),
      fmt::format("{:#x}.{:#x}.{:#x}.{:#x}", a, b, c, d),
      fmt::format("{:#x}.{}.{}.{}", a, b, c, d),
      fmt::format("{}.{:#x}.{}.{:#x}", a, b, c, d),
      fmt::format("0{:o}.0{:o}.0{:o}.0{:o}", a, b, c, d),
      fmt::format("0{:o}.{}.{}.{}", a, b, c, d),
      fmt::format("0{:o}.{}", a, most),
      fmt::format("0{:o}.{:#x}.{}", a, b, low),
      fmt::format("000{:o}.000{:o}.000{:o}.000{:o}", a, b, c, d),
      fmt::format("0x0{:x}.0x00{:x}.{}.{}", a, b, c, d),
      fmt::format("{:#X}.{:#X}.{:#X}.{:#X}", a, b, c, d),
      fmt::format("{}.0{:o}.0x{:x}.{}", a, b, c, d),
      fmt::format("[::ffff:{}]", plain),
      fmt::format("[::FFFF:{}]", plain),
      fmt::format("[::ffff:{:x}:{:x}]", high, low),
      fmt::format("[0:0:0:0:0:ffff:{:x}:{:x}]", high, low),
      fmt::format("[0000:0000:0000:0000:0000:ffff:{:04x}:{:04x}]", high, low),
      fmt::format("[0:0:0:0:0:ffff:{}]", plain),
      fmt::format("[::{}]", plain),
      fmt::format("[::{:x}:{:x}]", high, low),
      fmt::format("[64:ff9b::{}]", plain),
      fmt::format("[64:ff9b::{:x}:{:x}]", high, low),
      fmt::format("[64:ff9b:1::{:x}:{:x}]", high, low),
      fmt::format("[2002:{:x}:{:x}::]", high, low),
      fmt::format("[2002:{:x}:{:x}::1]", high, low),
      fmt::format("[2001:0:{:x}:{:x}::]", high, low),
      fmt::format("[::ffff:0:{}]", plain),
      fmt::format("[fe80::5efe:{}]", plain),
      // Read by one parser and not by another.
      fmt::format("{}%00.example.com", plain),
      fmt::format("{}%2eexample.com", plain),
      replaced(plain, '.', "%2e"),
      replaced(plain, '.', "。"),
      replaced(plain, '.', "．"),
      digits_as(plain, {"０", "１", "２", "３", "４", "５", "６", "７", "８", "９"}),
      digits_as(plain, {"⓪", "①", "②", "③", "④", "⑤", "⑥", "⑦", "⑧", "⑨"}),
      digits_as(plain, {"%30", "%31", "%32", "%33", "%34", "%35", "%36", "%37", "%38", "%39"}),
      digits_as(plain, {"٠", "١", "٢", "٣", "٤", "٥", "٦", "٧", "٨", "٩"}),
      fmt::format("example.com@{}", plain),
      fmt::format("example.com:80@{}", plain),
      fmt::format("user:pass@{}", plain),
      fmt::format("@{}", plain),
      fmt::format("%40{}", plain),
      fmt::format("[{}]", plain),
      fmt::format("[::ffff:{}%25lo]", plain),
      fmt::format(" {}", plain),
      fmt::format("{} ", plain),
      fmt::format("\t{}", plain),
      fmt::format("{}\r\n", plain),
      fmt::format("{}\\", plain),
      fmt::format("\\{}", plain),
      fmt::format("{},example.com", plain),
      fmt::format("{};example.com", plain),
  };
  // Numbers that are too large wrap round for some.
  hosts.push_back(fmt::format("{}", std::uint64_t{address} + (1ULL << 32U)));
  hosts.push_back(fmt::format("{}.{}.{}.{}", a + 256, b + 256, c + 256, d + 256));
  return hosts;
}

std::vector<std::string> tricky_urls(std::uint16_t port) {
  std::vector<std::string> urls;
  const std::string there = fmt::format("127.0.0.1:{}", port);
  for (const char* form : {"http://{}",
                           "HTTP://{}/",
                           "hTtP://{}/",
                           "http:{}/",
                           "http:/{}/",
                           "http:///{}/",
                           "http:////{}/",
                           "//{}/",
                           "{}/",
                           "http:\\\\{}\\",
                           "http:/\\{}/",
                           "http://{}#@example.com/",
                           "http://{}?@example.com/",
                           "http://{}\\@example.com/",
                           "http://example.com@{}/",
                           "http://example.com#@{}/",
                           "http://example.com\\@{}/",
                           "http://example.com%40{}/",
                           "http://example.com?@{}/",
                           "http://example.com&@{}#/",
                           "http://example.com%00@{}/",
                           "http://example.com\t@{}/",
                           "http://{}/%2e%2e/",
                           "http://{}/../../",
                           "http://{};/",
                           "http://{}:80/",
                           "http://{}.",
                           "http://{}/.example.com",
                           "http://{}%2f.example.com/",
                           "http://{}%23.example.com/",
                           "http://{}%3f.example.com/",
                           "http:@{}/",
                           "http:example.com@{}/",
                           "http://[{}]/",
                           "http://a:b@{}/",
                           "http://@{}/",
                           "http://:@{}/",
                           "http://:80@{}/",
                           "http://\x01{}/",
                           " http://{}/",
                           "\nhttp://{}/",
                           "http://{}/ HTTP/1.1\r\nHost: example.com",
                           "http://{}\x7f/",
                           "https://{}/",
                           "HTTPS://{}/",
                           "ws://{}/",
                           "ftp://{}/",
                           "ftps://{}/",
                           "sftp://{}/",
                           "gopher://{}/_GET%20/",
                           "dict://{}/x",
                           "ldap://{}/",
                           "tftp://{}/",
                           "telnet://{}/",
                           "smb://{}/",
                           "imap://{}/",
                           "pop3://{}/",
                           "smtp://{}/",
                           "rtsp://{}/",
                           "mqtt://{}/",
                           "jar:http://{}!/",
                           "view-source:http://{}/",
                           "url:http://{}/",
                           "feed:http://{}/",
                           "http+unix://%2fvar%2frun%2fdocker.sock/{}",
                           "unix:///var/run/docker.sock?{}",
                           "netdoc:///etc/passwd?{}",
                           "data:text/plain,{}",
                           "javascript:fetch('//{}')",
                           "file:///etc/passwd?{}",
                           "file://localhost/etc/passwd#{}",
                           "file:/etc/passwd?{}",
                           "FILE:///etc/passwd?{}",
                           "file://{}/etc/passwd",
                           "about:blank?{}",
                           "blob:http://{}/x"}) {
    urls.push_back(fmt::format(fmt::runtime(form), there));
  }
  for (const char* host : {"localhost",
                           "LOCALHOST",
                           "localhost.",
                           "localHost",
                           "a.localhost",
                           "x.y.localhost.",
                           "localhost.localdomain",
                           "ip6-localhost",
                           "ip6-loopback",
                           "[::1]",
                           "[::]",
                           "[0::1]",
                           "[0:0:0:0:0:0:0:1]",
                           "[::0001]",
                           "[::1%25lo]",
                           "[::1%25]",
                           "[fe80::1%25lo]",
                           "[::%31]",
                           "[0:0:0:0:0:0:127.0.0.1]",
                           "[::ffff:0.0.0.0]",
                           "[::ffff:0:0]",
                           "0",
                           "00",
                           "0x0",
                           "0.0",
                           "0.0.0.0",
                           "127.1",
                           "127.0.1",
                           "127.000.000.001",
                           "127.255.255.255",
                           "inside.test",
                           "twice.test",
                           "mapped.test"}) {
    urls.push_back(fmt::format("http://{}:{}/", host, port));
  }
  for (const char* text :
       {"", "http", "http:", "http://", "http://:80/", "http:// /", "http://?", "http://#", "::", "//"}) {
    urls.emplace_back(text);
  }
  return urls;
}

}  // namespace sennit::testing
