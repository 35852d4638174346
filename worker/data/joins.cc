#include "worker/data/joins.h"

#include <glog/logging.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/check_text.h"
#include "worker/data/example_parser.h"
#include "worker/data/line_reader.h"
#include "worker/data/schema.h"
#include "worker/data/text_columns.h"

namespace zhiyin::worker::data {
namespace {

constexpr size_t kMaxKeyBytes = 40;

std::string Quoted(std::string_view key) {
  return "\"" + Shortened(OneLine(key), kMaxKeyBytes) + "\"";
}

/// Finds values of a join that no example can have, so that no example fails because of them.
class ValueChecker {
 public:
  /// `names` are the columns of the join's files, `key` is the position of the key.
  ValueChecker(const Job& job, const Join& join, std::vector<std::string> names, size_t key)
      : key_(key),
        is_item_(job.data().has_behaviour() && job.data().behaviour().item() == join.column()) {
    names[key] = join.column();
    Job inputs;
    *inputs.mutable_data()->mutable_text() = job.data().text();
    Schema schema;
    schema.n_columns = static_cast<int>(names.size());
    const auto add = [&](const auto& input, const auto& make, std::vector<int>* positions) {
      const std::string& column = input.column().empty() ? input.name() : input.column();
      const auto at = std::find(names.begin(), names.end(), column);
      if (at == names.end()) return;
      *make() = input;
      positions->push_back(static_cast<int>(at - names.begin()));
    };
    for (const Field& field : job.field())
      add(
          field, [&] { return inputs.add_field(); }, &schema.fields);
    for (const Numeric& numeric : job.numeric())
      add(
          numeric, [&] { return inputs.add_numeric(); }, &schema.numerics);
    parser_.emplace(inputs, schema, LabelDomains());
    rows_ = parser_->NewExamples();
  }

  /// Returns what is wrong, or an empty string. REQUIRES: a value for each column.
  std::string Check(const std::vector<std::string_view>& values) {
    if (is_item_ && values[key_].find('|') != std::string_view::npos)
      return "expected an item without |, which separates items of a history";
    rows_.Clear();
    values_.assign(values.begin(), values.end());
    return parser_->Parse(values_, &rows_);
  }

 private:
  size_t key_;
  bool is_item_;
  std::optional<ExampleParser> parser_;
  std::vector<Value> values_;
  Examples rows_;
};

}  // namespace

void FillJoins(Data* data) {
  for (Join& join : *data->mutable_join()) {
    if (join.key().empty()) join.set_key(join.column());
    if (!join.has_text()) {
      *join.mutable_text() = data->text();
      join.mutable_text()->clear_layout();  // joins are delimited text
    }
    FillText(join.mutable_text());
  }
}

void CheckJoins(const config::Checker& check, const Data& data, std::vector<std::string>* columns) {
  for (int i = 0; i < data.join_size(); ++i) {
    const config::ConfigPath path = check.root()("data")("join", i);
    const Join& join = data.join(i);
    if (!data.has_text()) check.Fail(path, "needs examples from files, expected data.text");
    CheckText(check, path("text"), join.text());
    CheckFiles(check, path, data, join.file(), /*may_be_pipe=*/false);
    if (join.text().layout_case() != zhiyin::Text::LAYOUT_NOT_SET && !join.text().has_delimited())
      check.Fail(path("text"), "has a layout that is not delimited, which joins have to be");
    if (!join.text().header() && join.text().column_name().empty())
      check.Fail(path, "needs columns with names, expected header or column_name in its text");
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

std::vector<std::string> JoinedColumns(const Data& data) {
  std::vector<std::string> columns;
  for (const Join& join : data.join()) {
    std::vector<std::string> names(join.text().column_name().begin(),
                                   join.text().column_name().end());
    LineReader reader(join.file(0), Dialect::Of(join.text()));
    LineSplitter splitter(reader.dialect());
    std::vector<std::string_view> values;
    Line line;
    if (names.empty() && reader.Next(&line) && splitter.Split(line.text, &values).empty())
      names.assign(values.begin(), values.end());
    for (std::string& name : names) {
      if (name != join.key()) columns.push_back(std::move(name));
    }
  }
  return columns;
}

struct JoinedFile::Reading {
  const Job& job;
  const Join& join;
  ReadCounts* counts;
  Dialect dialect = Dialect::Of(join.text());  // its delimiter may still have to be found
  MissingValues missing = MissingValues(join.text());
  std::vector<std::string> names = {};  // of the columns of the first file
  size_t key_column = 0;
  std::optional<ValueChecker> checker = {};
  int64_t n_lines = 0;  // malformed ones included
};

JoinedFile::JoinedFile(const Job& job, int join, const Tick& tick, ReadCounts* counts) {
  Reading reading{.job = job, .join = job.data().join(join), .counts = counts};
  for (const std::string& path : reading.join.file()) ReadFile(path, &reading, tick);
  if (n_bad_ > reading.n_lines / 2) {
    Fail(bad_[0], " (", n_bad_, " of ", reading.n_lines, " lines of data.join[", join,
         "] are malformed, expected half of them at most)");
  }
  text_.Fill().shrink_to_fit();
}

void JoinedFile::ReadFile(const std::string& path, Reading* reading, const Tick& tick) {
  tick();
  const Join& join = reading->join;
  PieceTick line_tick(tick);
  LineReader reader(path, reading->dialect, reading->counts);
  CheckDelimited(reader, join.text(), ", which joins have to be");
  reading->dialect = reader.dialect();
  LineSplitter splitter(reading->dialect);
  std::vector<std::string_view> values;
  Line line;
  const auto split = [&] {
    std::string wrong = CheckText(line);
    return wrong.empty() ? splitter.Split(line.text, &values) : wrong;
  };
  std::vector<std::string> names(join.text().column_name().begin(),
                                 join.text().column_name().end());
  std::string header;  // the first line, if it is one
  if (join.text().header()) {
    if (!reader.Next(&line)) Fail(path, ": is empty, expected a header");
    if (const std::string wrong = split(); !wrong.empty())
      Fail(path, ":", line.number, ": ", wrong);
    CheckNameOrder(join.text(), names, values, TextOf(path, ":", line.number));
    header = line.text;
    if (names.empty()) names.assign(values.begin(), values.end());
  }
  if (!reading->checker) {
    const auto key = std::find(names.begin(), names.end(), join.key());
    if (key == names.end())
      Fail(path, ": no column \"", join.key(), "\" (data.join)", Suggestion(join.key(), names));
    reading->names = names;
    reading->key_column = static_cast<size_t>(key - names.begin());
    reading->checker.emplace(reading->job, join, names, reading->key_column);
    for (const std::string& name : names) {
      if (name != join.key()) columns_.push_back(name);
    }
  }
  if (names != reading->names)
    Fail(path, ": has other columns than ", join.file(0), ", expected the same");
  bool may_be_header = !join.text().header();
  while (reader.Next(&line)) {
    line_tick();
    std::string wrong = split();
    if (std::exchange(may_be_header, false) && wrong.empty()) {
      CheckNameOrder(join.text(), names, values, TextOf(path, ":", line.number));
      if (IsHeader(join.text(), names, values)) {
        header = line.text;
        continue;
      }
    }
    ++reading->n_lines;
    if (!header.empty() && line.text == header) wrong = kRepeatsHeader;
    if (wrong.empty()) wrong = Take(&values, reading);
    if (wrong.empty()) continue;
    wrong = path + ":" + std::to_string(line.number) + ": " + wrong;
    if (reading->job.data().has_max_bad_share() && reading->job.data().max_bad_share() == 0)
      Fail(wrong, " (data.max_bad_share allows no malformed line)");
    if (n_bad_++ < static_cast<int64_t>(kMaxNamed)) bad_.push_back(std::move(wrong));
  }
}

std::string JoinedFile::Take(std::vector<std::string_view>* values, Reading* reading) {
  const std::string& key_name = reading->join.key();
  const size_t n_columns = reading->names.size();
  if (values->size() != n_columns) {
    // Without the right number of columns, it is not certain which one is the key.
    return TextOf(values->size(), values->size() == 1 ? " column" : " columns", ", expected ",
                  n_columns);
  }
  for (std::string_view& value : *values) {
    if (reading->missing.Has(value)) value = {};
  }
  const std::string_view key = (*values)[reading->key_column];
  if (key.empty()) return "no " + key_name + ", expected one";
  std::string wrong = reading->checker->Check(*values);
  if (wrong.empty() && keys_.Find(key) >= 0)
    wrong = "is there twice, expected one line for each: the first one counts";
  if (!wrong.empty()) return key_name + " " + Quoted(key) + ": " + wrong;
  keys_.Add(key);
  for (size_t c = 0; c < n_columns; ++c) {
    if (c == reading->key_column) continue;
    text_.Fill().insert(text_.Fill().end(), (*values)[c].begin(), (*values)[c].end());
    ends_.Fill().push_back(text_.size());
  }
  return "";
}

void JoinedFile::Append(int line, std::vector<Value>* values) const {
  if (line < 0) {
    values->resize(values->size() + columns_.size());
    return;
  }
  size_t at = static_cast<size_t>(line) * columns_.size();
  size_t begin = at == 0 ? 0 : ends_[at - 1];
  for (const size_t stop = at + columns_.size(); at < stop; begin = ends_[at++])
    values->push_back(std::string_view(text_.values().data() + begin, ends_[at] - begin));
}

namespace {

/// The part of a job that its joins depend on.
Job PartForJoins(const Job& job) {
  Job part;
  Data* data = part.mutable_data();
  *data->mutable_join() = job.data().join();
  *data->mutable_text() = job.data().text();
  data->set_max_bad_share(job.data().max_bad_share());
  data->mutable_behaviour()->set_item(job.data().behaviour().item());
  *part.mutable_field() = job.field();
  *part.mutable_numeric() = job.numeric();
  return part;
}

}  // namespace

Joins::Joins(const Job& job) : job_(PartForJoins(job)), missing_(job.data().text()) {}

std::shared_ptr<Joins> Joins::Read(const Job& job, const Tick& tick, ReadCounts* counts) {
  std::shared_ptr<Joins> joins(new Joins(job));
  for (int j = 0; j < job.data().join_size(); ++j)
    joins->files_.push_back(std::make_unique<JoinedFile>(job, j, tick, counts));
  return joins;
}

void Joins::Share(HostWriter* writer) {
  for (const auto& file : files_) file->Share(writer);
}

std::shared_ptr<Joins> Joins::ReadShared(const Job& job, HostReader* reader) {
  std::shared_ptr<Joins> joins(new Joins(job));
  for (int j = 0; j < job.data().join_size(); ++j)
    joins->files_.emplace_back(new JoinedFile)->Share(reader);
  return joins;
}

bool Joins::AreOf(const Job& job) const {
  return google::protobuf::util::MessageDifferencer::Equals(job_, PartForJoins(job));
}

const JoinedFile* Joins::ByColumn(std::string_view column) const {
  const auto& joins = job_.data().join();
  const auto at = std::find_if(joins.begin(), joins.end(),
                               [&](const Join& join) { return join.column() == column; });
  return at == joins.end() ? nullptr : files_[static_cast<size_t>(at - joins.begin())].get();
}

bool Joins::HasColumn(std::string_view name) const {
  return std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
    return std::find(file->columns().begin(), file->columns().end(), name) != file->columns().end();
  });
}

int64_t Joins::n_bad() const {
  int64_t n = 0;
  for (const auto& file : files_) n += file->n_bad();
  return n;
}

std::vector<std::string> Joins::BadLineNotes() const {
  std::vector<std::string> notes;
  for (size_t j = 0; j < files_.size(); ++j) {
    const JoinedFile& file = *files_[j];
    if (file.n_bad() == 0) continue;
    notes.push_back(TextOf("data.join[", j, "]: ", file.n_bad(), " of ",
                           file.n_lines() + file.n_bad(), " lines ",
                           file.n_bad() == 1 ? "is" : "are", " malformed and left out"));
    for (const std::string& line : file.bad()) notes.push_back("malformed line: " + line);
  }
  return notes;
}

void Joins::LogBadLines() const {
  for (const std::string& note : BadLineNotes()) LOG(WARNING) << note;
}

Joins::Plan::Plan(std::shared_ptr<const Joins> joins, const std::string& where,
                  std::vector<std::string>* names)
    : joins_(std::move(joins)), roots_(names->size()) {
  std::iota(roots_.begin(), roots_.end(), size_t{0});
  for (size_t j = 0; j < joins_->files_.size(); ++j) {
    const std::string& column = joins_->job_.data().join(static_cast<int>(j)).column();
    const auto at = std::find(names->begin(), names->end(), column);
    if (at == names->end())
      Fail(where, ": no column \"", column, "\" (data.join)", Suggestion(column, *names));
    positions_.push_back(static_cast<size_t>(at - names->begin()));
    for (const std::string& name : joins_->files_[j]->columns()) {
      if (std::find(names->begin(), names->end(), name) != names->end())
        Fail(where, ": a column \"", name,
             "\", and data.join has one, too: expected names that differ");
      names->push_back(name);
      roots_.push_back(roots_[positions_.back()]);
    }
  }
}

void Joins::Plan::Append(std::vector<Value>* values, std::vector<int>* lines,
                         std::span<const KnownValue> known) const {
  if (lines != nullptr) lines->resize(positions_.size());
  for (size_t j = 0; j < positions_.size(); ++j) {
    const JoinedFile& file = *joins_->files_[j];
    const size_t begin = values->size();
    const Value key = (*values)[positions_[j]];
    const int line = joins_->missing_.Has(key) ? kNoKey : file.Find(key.text());
    file.Append(line, values);
    if (lines != nullptr) (*lines)[j] = line;
    for (const KnownValue& one : known) {
      if (one.column >= begin && one.column < values->size()) (*values)[one.column] = one.value;
    }
  }
}

std::string Joins::Plan::DescribeMiss(size_t join, const std::vector<Value>& values) const {
  const Join& config = joins_->job_.data().join(static_cast<int>(join));
  const JoinedFile& file = *joins_->files_[join];
  const std::string_view value = values[positions_[join]].text();
  return TextOf("column \"", config.column(), "\" has ", Quoted(value), ", ", config.file(0),
                " has ", file.n_lines() == 0 ? "no line" : Quoted(file.key(0)));
}

}  // namespace zhiyin::worker::data
