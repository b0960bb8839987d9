#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/csv.hpp>
#include <sennit/tools/csv_table.hpp>
#include <sennit/tools/http_text.hpp>
#include <sennit/tools/options.hpp>

#include <string>
#include <tuple>
#include <utility>

namespace sennit {
namespace {

constexpr milliseconds kTimeToRead{30'000};  // of a whole call, besides the query

struct CsvOptions {
  std::vector<std::string> roots{"."};
  bool trusted = false;
  bool confidential = true;
  json::value timeout = 10;
};
[[maybe_unused]] constexpr auto sennit_fields(const CsvOptions*) {
  return std::make_tuple(field<&CsvOptions::roots>("roots"), field<&CsvOptions::trusted>("trusted"),
                         field<&CsvOptions::confidential>("private"), field<&CsvOptions::timeout>("timeout"));
}

struct CsvArguments {
  std::string file;
  std::string sql;
  json::value parameters;
  std::size_t limit = 100;
  std::optional<std::string> separator;
  std::optional<bool> header;
};
SENNIT_DESCRIBE(CsvArguments, (file, "the CSV or TSV file", {.min_length = 1}),
                (sql, "one SELECT on the table `data`; left out: its columns and first rows",
                 {.max_length = sqlite::kMaxSql, .required = false}),
                (parameters, "values for the parameters of `sql`: a list for ?, an object for :name",
                 {.required = false}),
                (limit, "most rows to give", {.minimum = 1, .maximum = 1000, .required = false}),
                (separator, "between fields, where it is not found out by itself: one character or `tab`"),
                (header, "whether the first row names the columns; found out if left out"))

struct Shared {
  files::Access access;
  milliseconds timeout;
};

char separator_of(const std::optional<std::string>& given) {
  if (!given || given->empty()) return '\0';
  if (*given == "tab" || *given == "\\t" || *given == "\t") return '\t';
  if (given->size() == 1 && given->front() != '"' && static_cast<unsigned char>(given->front()) >= 0x20) {
    return given->front();
  }
  throw Error(errc::invalid_argument, "separator is one character, or `tab`");
}

/// Spreadsheets on Windows write what is not UTF-8 in windows-1252.
std::string as_utf8(const std::string& bytes) {
  const bool utf16 = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
  const bool utf8 = sanitize_utf8(bytes) == bytes;
  return http::body_text(bytes, utf16 || utf8 ? "text/csv" : "text/csv; charset=windows-1252");
}

std::string query(const Shared& shared, const CsvArguments& arguments, const files::StopFlag& stop) {
  const files::Place place = shared.access.roots.place(arguments.file);
  const std::string bytes = files::read_whole(place.root->open_file(place.path), kMaxCsv, place.shown);
  const std::string text = as_utf8(bytes);
  if (text.find('\0') != std::string::npos || (text.empty() && !bytes.empty()) || text.starts_with("[binary data")) {
    throw Error(errc::invalid_argument, "'" + place.shown + "' is a binary file, not text");
  }
  sqlite::Connection connection(shared.timeout, stop);
  const csv::Reading reading{separator_of(arguments.separator), arguments.header};
  const std::string table = csv::load(connection, text, reading, stop);
  connection.restrict(sqlite::Connection::May::read);
  sqlite::Question question{arguments.sql, arguments.parameters, arguments.limit};
  const bool looks = question.sql.empty();
  if (looks) {
    question.sql = "SELECT * FROM data LIMIT 5";
    question.parameters = nullptr;
  }
  std::string answer = connection.ask(question);
  return looks ? table + "\n" + answer : answer;
}

asio::awaitable<ToolOutput> ask(std::shared_ptr<const Shared> shared, CsvArguments arguments,
                                Environment& environment) {
  const files::Stop stop;
  Labels labels = shared->access.labels(*shared->access.roots.place(arguments.file).root);
  auto job = [shared, arguments = std::move(arguments), flag = stop.flag()] { return query(*shared, arguments, flag); };
  asio::awaitable<std::string> pending = environment.pool().run(std::move(job));
  std::string text = co_await std::move(pending);
  co_return ToolOutput{std::move(text), false, std::move(labels)};
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_csv(files::Access access, milliseconds timeout) {
  const auto shared = std::make_shared<const Shared>(Shared{std::move(access), timeout});
  ToolTraits traits{
      .touches = {.read = true}, .repeat = Repeat::idempotent, .timeout = timeout + kTimeToRead, .concurrency = 2};
  traits.gives = shared->access.labels();  // SQLite's messages may quote the file
  traits.reach = [shared](const json::object& arguments) {
    return files::path_facets(shared->access, arguments, "file");
  };
  return {make_tool(
      "csv_query",
      "Asks a file of comma- or tab-separated values by SQL (SQLite): it is the table `data`, with its header's names.",
      [shared](CsvArguments arguments, ToolContext& context) {
        return ask(shared, std::move(arguments), context.environment());
      },
      traits)};
}

std::vector<std::shared_ptr<Tool>> make_csv_tools(const json::object& options, const PartContext& context) {
  const auto chosen = read_options<CsvOptions>(options, "csv");
  files::Access access{files::Roots(files::roots_of(chosen.roots, context)),
                       {},
                       files::home_of(context),
                       chosen.trusted && context.may_trust(),
                       chosen.confidential || !context.may_publish()};
  return make_csv(std::move(access), duration_option(chosen.timeout, "csv"));
}

}  // namespace sennit
