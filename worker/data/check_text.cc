#include "worker/data/check_text.h"

#include <set>

#include "common/file.h"

namespace zhiyin::worker::data {

void FillText(zhiyin::Text* text) {
  if (!text->has_delimiter()) text->set_delimiter(",");
  if (!text->has_trim()) text->set_trim(true);
}

void FillFiles(const std::string& folder, FileNames* files) {
  for (std::string& file : *files) {
    if (!file.empty()) file = AbsolutePath(folder, file);
  }
}

void CheckText(const config::Checker& check, const config::ConfigPath& path,
               const zhiyin::Text& text) {
  const size_t n = text.delimiter().size();
  if (n < 1 || n > 2) check.Fail(path("delimiter"), "has ", n, " characters, expected 1 or 2");
  if (text.delimiter().find_first_of("\r\n") != std::string::npos)
    check.Fail(path("delimiter"), "holds a line break, which ends the line");
  if (text.quote() == "\r" || text.quote() == "\n")
    check.Fail(path("quote"), "is a line break, which ends the line");
  if (text.quote().size() > 1)
    check.Fail(path("quote"), "has ", text.quote().size(), " characters, expected at most 1");
  if (!text.quote().empty() && text.delimiter().find(text.quote()) != std::string::npos) {
    check.Fail(path("quote"), "is part of the delimiter");
  }
  if (text.header() && text.column_name_size() > 0)
    check.Fail(path("column_name"), "is given, and header too: expected one of them");
  std::set<std::string> names;
  for (int i = 0; i < text.column_name_size(); ++i) {
    const std::string& name = text.column_name(i);
    if (name.empty()) check.Fail(path("column_name", i), "is empty");
    if (!names.insert(name).second)
      check.Fail(path("column_name", i), "\"", name, "\" is taken by an earlier one");
  }
}

void CheckFiles(const config::Checker& check, const config::ConfigPath& path, const Data& data,
                const FileNames& files) {
  constexpr size_t kMaxNameBytes = 4095;  // PATH_MAX without its NUL
  if (data.has_text() && files.empty()) check.Fail(path, "has no file");
  for (int i = 0; i < files.size(); ++i) {
    const std::string& file = files[i];
    if (file.empty() || file.ends_with('/') || file.find('\0') != std::string::npos)
      check.Fail(path("file", i), "is \"", file, "\", expected a file's name");
    if (file.size() > kMaxNameBytes) {
      check.Fail(path("file", i), "has ", file.size(), " bytes with its folder, expected at most ",
                 kMaxNameBytes);
    }
  }
}

}  // namespace zhiyin::worker::data
