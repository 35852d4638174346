#include "worker/data/check_text.h"

#include <set>

#include "common/file.h"
#include "common/text.h"
#include "worker/data/decoded_bytes.h"
#include "worker/data/pipe.h"
#include "worker/data/remote_file.h"

namespace zhiyin::worker::data {

namespace {

/// Checks that nothing is said which has no meaning in the layout.
void CheckLayout(const config::Checker& check, const config::ConfigPath& path,
                 const zhiyin::Text& text) {
  if (text.layout_case() == zhiyin::Text::LAYOUT_NOT_SET || text.has_delimited()) return;
  const std::string& layout =
      text.GetReflection()
          ->GetOneofFieldDescriptor(text, text.GetDescriptor()->FindOneofByName("layout"))
          ->name();
  const auto refuse = [&](const config::ConfigPath& field, const char* where) {
    check.Fail(field, "is given, and ", layout, " too: expected it with ", where);
  };
  constexpr const char* kDelimited = "delimited text alone";
  constexpr const char* kDelimitedOrSlots = "delimited text or slots alone";
  if (text.header()) refuse(path("header"), kDelimited);
  if (text.has_quote()) refuse(path("quote"), kDelimited);
  if (text.escapes()) refuse(path("escapes"), kDelimited);
  if (!text.has_slots()) {
    if (text.has_delimiter()) refuse(path("delimiter"), kDelimitedOrSlots);
    if (text.column_name_size() > 0) refuse(path("column_name", 0), kDelimitedOrSlots);
  } else if (text.delimiter().find(':') != std::string::npos) {
    check.Fail(path("delimiter"), "is \"", text.delimiter(),
               "\", expected one without the colon, which joins slot and feasign");
  }
}

}  // namespace

void FillText(zhiyin::Text* text) {
  if (!text->has_trim()) text->set_trim(true);
}

void CheckText(const config::Checker& check, const config::ConfigPath& path,
               const zhiyin::Text& text) {
  const size_t n = text.delimiter().size();
  if (text.has_delimiter() && (n < 1 || n > 2))
    check.Fail(path("delimiter"), "has ", n, " characters, expected 1 or 2");
  if (text.delimiter().find_first_of("\r\n") != std::string::npos)
    check.Fail(path("delimiter"), "holds a line break, which ends the line");
  if (text.quote() == "\r" || text.quote() == "\n")
    check.Fail(path("quote"), "is a line break, which ends the line");
  if (text.quote().size() > 1)
    check.Fail(path("quote"), "has ", text.quote().size(), " characters, expected at most 1");
  if (!text.quote().empty() && text.delimiter().find(text.quote()) != std::string::npos) {
    check.Fail(path("quote"), "is part of the delimiter");
  }
  if (text.escapes() && !text.quote().empty())
    check.Fail(path("escapes"), "is given, and quote too: expected one of them");
  if (!text.encoding().empty() && !IsKnownEncoding(text.encoding()))
    check.Fail(path("encoding"), "is \"", text.encoding(),
               "\", expected one that iconv knows, as latin1, gb18030 or UTF-16LE");
  std::set<std::string> names;
  for (int i = 0; i < text.column_name_size(); ++i) {
    const std::string& name = text.column_name(i);
    if (name.empty()) check.Fail(path("column_name", i), "is empty");
    if (!names.insert(name).second)
      check.Fail(path("column_name", i), "\"", name, "\" is taken by an earlier one");
  }
  CheckLayout(check, path, text);
}

std::string WrongFileName(const std::string& name) {
  constexpr size_t kMaxNameBytes = 4095;  // PATH_MAX without its NUL
  if (IsRemote(name)) return WrongRemoteName(name);
  if (const std::string_view scheme = SchemeOf(name); scheme == "file") {
    return TextOf("is \"", name, "\", expected the path without file://");
  } else if (!scheme.empty()) {
    return TextOf("is \"", name, "\", which is on ", scheme,
                  ", expected a path that this host can open, or s3://, gs://, hdfs:// or abfs://");
  }
  if (name.empty() || name.ends_with('/') || name.find('\0') != std::string::npos)
    return TextOf("is \"", name, "\", expected a file's name");
  if (name.size() > kMaxNameBytes) {
    return TextOf("has ", name.size(), " bytes with its folder, expected at most ", kMaxNameBytes);
  }
  return "";
}

void CheckFiles(const config::Checker& check, const config::ConfigPath& path, const Data& data,
                const FileNames& files, bool may_be_pipe) {
  if (data.has_text() && files.empty()) check.Fail(path, "has no file");
  for (int i = 0; i < files.size(); ++i) {
    const std::string wrong = WrongFileName(files[i]);
    if (!wrong.empty()) check.Fail(path("file", i), wrong);
    if (files[i] != kStandardInput) continue;
    if (!may_be_pipe)
      check.Fail(path("file", i), "is \"-\", standard input, which data.train and data.test can ",
                 "read, expected a file (\"./-\" is one that is called so)");
    if (files.size() > 1)
      check.Fail(path("file", i), "is \"-\", standard input, expected it to be the only file");
  }
}

}  // namespace zhiyin::worker::data
