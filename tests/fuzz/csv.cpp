// CSV files come from anywhere: any bytes make a table that can be asked, or an error with words.
#include <sennit/agent/io/error.hpp>
#include <sennit/tools/csv_parse.hpp>
#include <sennit/tools/csv_table.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sennit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    sqlite::Connection connection(std::chrono::milliseconds(5'000), {});
    const std::string table = csv::load(connection, text, {}, {});
    connection.restrict(sqlite::Connection::May::read);
    if (!table.starts_with("table data(")) std::abort();
    const std::string rows = connection.ask({"SELECT * FROM data"});
    if (sanitize_utf8(rows) != rows) std::abort();
  } catch (const Error& error) {
    if (error.message().empty()) std::abort();
  }
  return 0;
}
