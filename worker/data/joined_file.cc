#include "worker/data/joined_file.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/example_parser.h"
#include "worker/data/format_records.h"
#include "worker/data/line_reader.h"
#include "worker/data/missing_values.h"
#include "worker/data/schema.h"
#include "worker/data/text_columns.h"

namespace zhiyin::worker::data {
namespace {

constexpr size_t kMaxKeyBytes = 40;

bool HasName(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// Finds values of a join that no example can have, so that no example fails because of them.
class ValueChecker {
 public:
  /// `names` are the columns of the join's files, "" for those that are not added; `key` is the
  /// position of the key.
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
  std::string Check(std::span<const Value> values) {
    if (is_item_ && values[key_].text().find('|') != std::string_view::npos)
      return "expected an item without |, which separates items of a history";
    rows_.Clear();
    return parser_->Parse(values, &rows_);
  }

 private:
  size_t key_;
  bool is_item_;
  std::optional<ExampleParser> parser_;
  Examples rows_;
};

/// The names of the columns of delimited text: those that the configuration has, or those of the
/// header of the first file; none where it has no line.
std::vector<std::string> NamesOfText(const Join& join) {
  std::vector<std::string> names(join.text().column_name().begin(),
                                 join.text().column_name().end());
  if (!names.empty()) return names;
  LineReader reader(join.file(0), Dialect::Of(join.text()));
  LineSplitter splitter(reader.dialect());
  std::vector<std::string_view> values;
  Line line;
  if (reader.Next(&line) && splitter.Split(line.text, &values).empty())
    names.assign(values.begin(), values.end());
  return names;
}

/// Whether records with these names have a column, or the list or record that it is a part of.
bool AreWith(const std::vector<std::string>& names, std::string_view column) {
  return HasName(names, column) || HasName(names, column.substr(0, column.find('[')));
}

/// The columns of records that name their values which a join adds, and what the job reads them
/// for: those of Join.add, or else those that the first records have.
std::vector<WantedColumn> AddedColumns(const Job& job, int number, const Format& format) {
  const Join& join = job.data().join(number);
  std::vector<std::string> names(join.add().begin(), join.add().end());
  if (names.empty()) {
    if (format.names == nullptr) {
      Fail(join.file(0), ": is ", format.name, ", whose columns are numbers, expected data.join[",
           number, "].add, the columns to add");
    }
    for (int f = 0; f < join.file_size() && names.empty(); ++f)
      names = format.names(join.file(f), join.text());
  }
  std::vector<WantedColumn> added;
  for (WantedColumn& used : UsedColumns(job, LabelUse::kNeeded)) {
    const bool is_there =
        join.add_size() > 0 ? HasName(names, used.name) : AreWith(names, used.name);
    if (is_there && used.name != join.key()) added.push_back(std::move(used));
  }
  return added;
}

}  // namespace

std::string QuotedKey(std::string_view key) {
  return "\"" + Shortened(OneLine(key), kMaxKeyBytes) + "\"";
}

std::vector<std::string> ColumnsOfJoin(const Job& job, int join) {
  const Join& config = job.data().join(join);
  std::vector<std::string> columns;
  if (const Format* format = FormatOfJoin(config, [] {}); format != nullptr) {
    for (WantedColumn& column : AddedColumns(job, join, *format))
      columns.push_back(std::move(column.name));
  } else if (config.add_size() > 0) {
    columns.assign(config.add().begin(), config.add().end());
  } else {
    for (std::string& name : NamesOfText(config)) {
      if (name != config.key()) columns.push_back(std::move(name));
    }
  }
  return columns;
}

struct JoinedFile::Reading {
  const Job& job;
  const Join& join;
  int number;  // of the join
  ReadCounts* counts;
  Dialect dialect = Dialect::Of(join.text());  // its delimiter may still have to be found
  MissingValues missing = MissingValues(join.text());
  /// Those of the examples, which a number must be compared with before it becomes a text.
  MissingValues missing_in_examples = MissingValues(job.data().text());
  std::vector<std::string> names = {};  // of the columns of the first file
  std::vector<bool> is_added = {};      // [names]
  size_t key_column = 0;
  std::optional<ValueChecker> checker = {};
  std::vector<Value> values = {};  // of the line in hand
  int64_t n_lines = 0;             // malformed ones included
};

JoinedFile::JoinedFile(const Job& job, int join, const Tick& tick, ReadCounts* counts) {
  Reading reading{.job = job, .join = job.data().join(join), .number = join, .counts = counts};
  if (const Format* format = FormatOfJoin(reading.join, tick); format != nullptr) {
    ReadRecords(*format, &reading, tick);
  } else {
    for (const std::string& path : reading.join.file()) ReadText(path, &reading, tick);
  }
  if (n_bad_ > reading.n_lines / 2) {
    Fail(bad_[0], " (", n_bad_, " of ", reading.n_lines, " lines of data.join[", join,
         "] are malformed, expected half of them at most)");
  }
  text_.Fill().shrink_to_fit();
}

void JoinedFile::SetNames(const std::string& path, std::vector<std::string> names,
                          Reading* reading) {
  const Join& join = reading->join;
  const auto key = std::find(names.begin(), names.end(), join.key());
  if (key == names.end())
    Fail(path, ": no column \"", join.key(), "\" (data.join)", Suggestion(join.key(), names));
  reading->key_column = static_cast<size_t>(key - names.begin());
  for (int a = 0; a < join.add_size(); ++a) {
    if (!HasName(names, join.add(a))) {
      Fail(path, ": no column \"", join.add(a), "\" (data.join[", reading->number, "].add[", a,
           "])", Suggestion(join.add(a), names));
    }
  }
  const std::vector<std::string> wanted(join.add().begin(), join.add().end());
  std::vector<std::string> checked = names;
  for (size_t c = 0; c < names.size(); ++c) {
    const bool is_added = names[c] != join.key() && (wanted.empty() || HasName(wanted, names[c]));
    reading->is_added.push_back(is_added);
    if (is_added) columns_.push_back(names[c]);
    if (!is_added) checked[c].clear();
  }
  reading->checker.emplace(reading->job, join, std::move(checked), reading->key_column);
  reading->names = std::move(names);
}

void JoinedFile::ReadText(const std::string& path, Reading* reading, const Tick& tick) {
  tick();
  const Join& join = reading->join;
  if (!join.text().header() && join.text().column_name().empty()) {
    Fail(path, ": is delimited text without names of columns, expected header or column_name in ",
         "the text of data.join[", reading->number, "]");
  }
  PieceTick line_tick(tick);
  LineReader reader(path, reading->dialect, reading->counts);
  CheckDelimited(reader, join.text(),
                 path == join.file(0) ? ", since decoded files do not tell their format"
                                      : " as in " + join.file(0));
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
  if (!reading->checker) SetNames(path, names, reading);
  if (names != reading->names)
    Fail(path, ": has other columns than ", join.file(0), ", expected equal ones");
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
    if (wrong.empty()) {
      reading->values.assign(values.begin(), values.end());
      wrong = Take(reading->values, reading);
    }
    if (!wrong.empty()) AddBad(TextOf(path, ":", line.number, ": ", wrong), *reading);
  }
}

void JoinedFile::ReadRecords(const Format& format, Reading* reading, const Tick& tick) {
  const Join& join = reading->join;
  std::vector<WantedColumn> wanted = AddedColumns(reading->job, reading->number, format);
  wanted.insert(wanted.begin(), {join.key(), WantedColumn::Use::kText});
  std::vector<std::string> names;
  for (const WantedColumn& column : wanted) names.push_back(column.name);
  reading->names = names;
  reading->is_added.assign(names.size(), true);
  reading->is_added[0] = false;
  reading->checker.emplace(reading->job, join, names, /*key=*/0);
  columns_.assign(names.begin() + 1, names.end());

  FormatRecords records(format, join.text(), TextOf("data.join[", reading->number, "].text"),
                        join.file(), std::move(wanted), tick, reading->counts);
  PieceTick record_tick(tick);
  RecordView record;
  while (records.Next(&record)) {
    record_tick();
    ++reading->n_lines;
    std::string wrong = record.wrong;
    if (wrong.empty()) wrong = Take(record.values, reading);
    if (!wrong.empty())
      AddBad(TextOf(records.path(), ":", records.number(), ": ", wrong), *reading);
  }
  const std::vector<uint8_t> seen = records.TakeSeen();
  for (size_t c = 0; c < seen.size(); ++c) {
    if (seen[c] != 0) continue;
    Fail(join.file(0), join.file_size() > 1 ? " and more" : "", ": no record has the column \"",
         names[c], "\" (data.join[", reading->number, "])",
         format.names == nullptr ? ", expected some with it"
                                 : Suggestion(names[c], format.names(join.file(0), join.text())));
  }
}

std::string JoinedFile::Take(std::span<Value> values, Reading* reading) {
  const std::string& key_name = reading->join.key();
  const size_t n_columns = reading->names.size();
  if (values.size() != n_columns) {
    // Without the right number of columns, it is not certain which one is the key.
    return TextOf(values.size(), values.size() == 1 ? " column" : " columns", ", expected ",
                  n_columns);
  }
  for (Value& value : values) {
    if (reading->missing.Has(value) ||
        (value.kind() == Value::Kind::kNumber && reading->missing_in_examples.Has(value)))
      value = {};
  }
  const std::string_view key = values[reading->key_column].text();
  if (key.empty()) return "no " + key_name + ", expected one";
  std::string wrong = reading->checker->Check(values);
  if (wrong.empty() && keys_.Find(key) >= 0)
    wrong = "is there twice, expected one line for each: the first one counts";
  if (!wrong.empty()) return key_name + " " + QuotedKey(key) + ": " + wrong;
  keys_.Add(key);
  for (size_t c = 0; c < n_columns; ++c) {
    if (reading->is_added[c]) Store(values[c]);
  }
  return "";
}

void JoinedFile::Store(const Value& value) {
  std::vector<char>& text = text_.Fill();
  size_t flag = 0;
  switch (value.kind()) {
    case Value::Kind::kNumber: {
      // The shortest text that reads back as the number.
      char digits[std::numeric_limits<double>::max_digits10 + 16];
      const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value.number());
      text.insert(text.end(), digits, end);
      break;
    }
    case Value::Kind::kList: {
      ListTexts texts(value);
      for (std::string_view one; texts.Next(&one);) AppendPacked(one, &text);
      flag = kIsList;
      break;
    }
    case Value::Kind::kMissing:
    case Value::Kind::kText:
      text.insert(text.end(), value.text().begin(), value.text().end());
      break;
  }
  ends_.Fill().push_back(text.size() | flag);
}

void JoinedFile::AddBad(std::string wrong, const Reading& reading) {
  if (reading.job.data().has_max_bad_share() && reading.job.data().max_bad_share() == 0)
    Fail(wrong, " (data.max_bad_share allows no malformed line)");
  if (n_bad_++ < static_cast<int64_t>(kMaxNamed)) bad_.push_back(std::move(wrong));
}

void JoinedFile::Append(int line, std::vector<Value>* values) const {
  if (line < 0) {
    values->resize(values->size() + columns_.size());
    return;
  }
  size_t at = static_cast<size_t>(line) * columns_.size();
  size_t begin = at == 0 ? 0 : ends_[at - 1] & ~kIsList;
  for (const size_t stop = at + columns_.size(); at < stop; ++at) {
    const size_t end = ends_[at] & ~kIsList;
    const std::string_view text(text_.values().data() + begin, end - begin);
    values->push_back((ends_[at] & kIsList) != 0 ? Value::PackedList(text) : Value(text));
    begin = end;
  }
}

}  // namespace zhiyin::worker::data
