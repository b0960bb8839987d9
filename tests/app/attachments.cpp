#include "support/fixtures.hpp"
#include <sennit/app/attachments.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace sennit;
using namespace sennit::testing;
using app::read_attachment;

TEST_CASE("a file's kind is told by its bytes, whatever it is called") {
  const TempDir folder;
  const auto type_of = [&](std::string_view bytes) {
    folder.write("file.bin", std::string(bytes));
    return read_attachment((folder.path() / "file.bin").string()).media_type;
  };
  CHECK(type_of("\x89PNG\r\n\x1A\n....") == "image/png");
  CHECK(type_of("\xFF\xD8\xFF\xE0....") == "image/jpeg");
  CHECK(type_of("GIF89a..") == "image/gif");
  CHECK(type_of("RIFF....WEBPVP8 ") == "image/webp");
  CHECK(type_of("RIFF....WAVEfmt ") == "audio/wav");
  CHECK(type_of("%PDF-1.7\n") == "application/pdf");
  CHECK(type_of("Grüße") == "text/plain");
  CHECK(error_of([&] {
          (void)type_of(
              "\x7F"
              "ELF\x01\x02\xFF");
        }).code() == errc::invalid_argument);
}

TEST_CASE("an attachment is a file, a URL or a data URL") {
  const TempDir folder;
  folder.write("hi.txt", "Hi!");
  const Blob file = read_attachment((folder.path() / "hi.txt").string());
  CHECK(file.data == "SGkh");
  CHECK(file.url.empty());
  CHECK(app::describe_attachment(file) == "text/plain, 1 KB");
  const Blob url = read_attachment("https://example.org/a.jpg?x=1");
  CHECK(url == Blob{"image/jpeg", "", "https://example.org/a.jpg?x=1"});
  CHECK(app::describe_attachment(url) == "image/jpeg, https://example.org/a.jpg?x=1");
  CHECK(read_attachment("data:image/png;base64,AAAA") == Blob{"image/png", "AAAA", ""});
  CHECK(error_of([] { (void)read_attachment("data:image/png,AAAA"); }).code() == errc::invalid_argument);
  CHECK(error_of([&] { (void)read_attachment((folder.path() / "none").string()); }).code() == errc::not_found);
  CHECK(error_of([&] { (void)read_attachment(folder.path().string()); }).code() == errc::io);
}
