#include "worker/data/joins.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "common/utf8.h"
#include "worker/data/check_text.h"
#include "worker/data/format/delimited.h"
#include "worker/data/line_reader.h"

namespace zhiyin::worker::data {

void FillJoins(const std::string& folder, Data* data) {
  for (Join& join : *data->mutable_join()) {
    FillFiles(folder, join.mutable_file());
    if (join.key().empty()) join.set_key(join.column());
    if (!join.has_text()) *join.mutable_text() = data->text();
    FillText(join.mutable_text());
  }
}

void CheckJoins(const config::Checker& check, const Data& data, std::vector<std::string>* columns) {
  for (int i = 0; i < data.join_size(); ++i) {
    const config::ConfigPath path = check.root()("data")("join", i);
    const Join& join = data.join(i);
    if (!data.has_text()) check.Fail(path, "needs examples from files, expected data.text");
    CheckText(check, path("text"), join.text());
    CheckFiles(check, path, data, join.file());
    const zhiyin::Text& own = data.text();
    if ((!own.header() && own.column_name().empty()) ||
        (!join.text().header() && join.text().column_name().empty()))
      check.Fail(path,
                 "needs columns with names, expected header or column_name in data.text and in the "
                 "join's text");
    if (join.column().empty())
      check.Fail(path("column"), "is missing, expected a column of the data");
    const auto& names = join.text().column_name();
    if (!names.empty() && std::find(names.begin(), names.end(), join.key()) == names.end())
      check.Fail(path("key"), "is \"", join.key(), "\", expected a name of text.column_name");
    if (columns->empty()) continue;
    if (std::find(columns->begin(), columns->end(), join.column()) == columns->end())
      check.Fail(path("column"), "is \"", join.column(), "\", expected a column of the data",
                 Suggestion(join.column(), (*columns)));
    if (names.empty()) {
      columns->clear();  // nothing is known of the columns from here on
      continue;
    }
    for (const std::string& name : names) {
      if (name == join.key()) continue;
      if (std::find(columns->begin(), columns->end(), name) != columns->end())
        check.Fail(path("text"), "has a column \"", name,
                   "\", and so have the data: expected names that differ");
      columns->push_back(name);
    }
  }
}

JoinedFile::JoinedFile(const Join& config) {
  for (const std::string& path : config.file()) ReadFile(config, path);
  // After reading: while keys_ grew, its strings moved.
  for (size_t i = 0; i < keys_.size(); ++i) lines_.emplace(keys_[i], static_cast<int>(i));
  text_.shrink_to_fit();
}

void JoinedFile::ReadFile(const Join& config, const std::string& path) {
  LineReader reader(path);
  LineSplitter splitter(Dialect::Of(config.text()));
  std::vector<std::string_view> values;
  Line line;
  const auto where = [&] { return path + ":" + std::to_string(line.number); };
  const auto split = [&] {
    if (line.too_long)
      Fail(where(), ": longer than ", LineReader::kMaxBytes, " bytes, expected a shorter line");
    if (FindInvalidUtf8(line.text) != std::string_view::npos)
      Fail(where(), ": is not UTF-8, expected UTF-8 text");
    if (const std::string wrong = splitter.Split(line.text, &values); !wrong.empty())
      Fail(where(), ": ", wrong);
  };
  std::vector<std::string> names(config.text().column_name().begin(),
                                 config.text().column_name().end());
  if (config.text().header()) {
    if (!reader.Next(&line)) Fail(path, ": is empty, expected a header");
    split();
    names.assign(values.begin(), values.end());
  }
  if (header_.empty()) {
    header_ = names;
    for (const std::string& name : names) {
      if (name != config.key()) columns_.push_back(name);
    }
  }
  if (names != header_)
    Fail(path, ": has other columns than ", config.file(0), ", expected the same");
  const auto key = std::find(names.begin(), names.end(), config.key());
  if (key == names.end())
    Fail(path, ": no column \"", config.key(), "\" (data.join)", Suggestion(config.key(), names));
  const size_t key_column = static_cast<size_t>(key - names.begin());
  std::unordered_map<std::string, int64_t> seen;
  for (const std::string& earlier : keys_) seen.emplace(earlier, 0);
  while (reader.Next(&line)) {
    split();
    if (values.size() != names.size())
      Fail(where(), ": ", values.size(), " columns, expected ", names.size());
    if (values[key_column].empty()) Fail(where(), ": no ", config.key(), ", expected one");
    if (!seen.emplace(values[key_column], line.number).second)
      Fail(where(), ": ", config.key(), " \"", values[key_column],
           "\" is there twice, expected one line for each");
    keys_.emplace_back(values[key_column]);
    for (size_t c = 0; c < values.size(); ++c) {
      if (c == key_column) continue;
      text_.append(values[c]);
      ends_.push_back(text_.size());
    }
  }
}

int JoinedFile::Find(std::string_view key) const {
  const auto at = lines_.find(key);
  return at == lines_.end() ? -1 : at->second;
}

void JoinedFile::Append(int line, std::vector<std::string_view>* values) const {
  if (line < 0) {
    values->resize(values->size() + columns_.size());
    return;
  }
  size_t at = static_cast<size_t>(line) * columns_.size();
  size_t begin = at == 0 ? 0 : ends_[at - 1];
  for (const size_t stop = at + columns_.size(); at < stop; begin = ends_[at++])
    values->push_back(std::string_view(text_).substr(begin, ends_[at] - begin));
}

std::shared_ptr<const Joins> Joins::Read(const Data& data) {
  std::shared_ptr<Joins> joins(new Joins);
  joins->config_ = data.join();
  for (const Join& join : data.join()) joins->files_.push_back(std::make_unique<JoinedFile>(join));
  return joins;
}

const JoinedFile* Joins::ByColumn(std::string_view column) const {
  const auto at = std::find_if(config_.begin(), config_.end(),
                               [&](const Join& join) { return join.column() == column; });
  return at == config_.end() ? nullptr : files_[static_cast<size_t>(at - config_.begin())].get();
}

bool Joins::HasColumn(std::string_view name) const {
  return std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
    return std::find(file->columns().begin(), file->columns().end(), name) != file->columns().end();
  });
}

Joins::Plan::Plan(std::shared_ptr<const Joins> joins, const std::string& where,
                  std::vector<std::string>* names)
    : joins_(std::move(joins)) {
  for (size_t j = 0; j < joins_->files_.size(); ++j) {
    const std::string& column = joins_->config_[static_cast<int>(j)].column();
    const auto at = std::find(names->begin(), names->end(), column);
    if (at == names->end())
      Fail(where, ": no column \"", column, "\" (data.join)", Suggestion(column, *names));
    positions_.push_back(static_cast<size_t>(at - names->begin()));
    for (const std::string& name : joins_->files_[j]->columns()) {
      if (std::find(names->begin(), names->end(), name) != names->end())
        Fail(where, ": a column \"", name,
             "\", and data.join has one, too: expected names that differ");
      names->push_back(name);
    }
  }
}

void Joins::Plan::Append(std::vector<std::string_view>* values) const {
  for (size_t j = 0; j < positions_.size(); ++j) {
    const JoinedFile& file = *joins_->files_[j];
    file.Append(file.Find((*values)[positions_[j]]), values);
  }
}

}  // namespace zhiyin::worker::data
