#include "worker/data/text_columns.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/utf8.h"
#include "worker/data/format/delimited.h"
#include "worker/data/format/format.h"

namespace zhiyin::worker::data {
namespace {

/// Lines at the beginning of the first file whose mean length stands for that of all.
constexpr int64_t kLinesMeasured = 1000;

/// Lines at the beginning of a file without a header that are looked at for their number of values.
constexpr int kLinesTried = 100;

/// Whether the columns have the names that stand in the files.
bool IsNamedByFiles(const Text& text) {
  return text.header() && text.column_name().empty();
}

/// What is expected of the columns of a file.
struct ExpectedColumns {
  /// Whether there may be so many.
  std::function<bool(int n)> fits;
  /// Their names by Text.column_name, where there are so many; none where it says none.
  std::function<std::vector<std::string>(int n)> names;
};

/// Returns the columns by the header of a file or, without one, those of the first line whose
/// number of values fits, or else of the first line that can be cut into values. nullopt: the
/// file has no lines. Sets *header to the first line where it is one. Throws Error where no line
/// can be cut, and as CheckNameOrder does.
std::optional<Columns> ReadColumns(const Text& text, const ExpectedColumns& expected,
                                   LineReader* reader, std::optional<std::string>* header) {
  LineSplitter splitter(reader->dialect());
  std::optional<Columns> found;
  std::string first_wrong;
  Line line;
  std::vector<std::string_view> values;
  for (int i = 0; i < (text.header() ? 1 : kLinesTried) && reader->Next(&line); ++i) {
    const std::string where = reader->path() + ":" + std::to_string(line.number);
    std::string wrong = CheckText(line);
    if (wrong.empty()) wrong = splitter.Split(line.text, &values);
    if (!wrong.empty()) {
      if (first_wrong.empty()) first_wrong = where + ": " + wrong;
      continue;
    }
    Columns here = {static_cast<int>(values.size()), {}, where};
    if (i == 0) {
      const std::vector<std::string> names = expected.names(here.n);
      CheckNameOrder(text, names, values, where);
      if (IsHeader(text, names, values)) *header = line.text;
    }
    if (IsNamedByFiles(text)) here.names.assign(values.begin(), values.end());
    if (text.header() || expected.fits(here.n)) return here;
    if (!found) found = std::move(here);
  }
  if (!found && !first_wrong.empty()) Fail(first_wrong);
  return found;
}

/// Throws Error where the columns of the files have no names though records of training had them:
/// there is no order by which these columns could be told apart.
void CheckNamed(const Data& data, const Split& split) {
  if (data.columns().format().empty() || data.text().header() || data.text().column_name_size() > 0)
    return;
  Fail(split.file(0), ": is delimited text without names of columns, expected them by ",
       "data.text.header: true or column_name, since the records of training, ",
       data.columns().format(), ", have names");
}

/// Returns the mean length of the next lines; 0 where there are none.
double MeasureLines(LineReader* reader) {
  const int64_t begin = reader->place().offset;
  const int64_t n = reader->Skip(kLinesMeasured);
  return n == 0 ? 0 : static_cast<double>(reader->place().offset - begin) / static_cast<double>(n);
}

void CheckSameHeader(const Columns& first, const Columns& other) {
  if (other.n != first.n) {
    Fail(other.where, ": a header of ", other.n, " columns, expected ", first.n, " as in ",
         first.where);
  }
  for (size_t c = 0; c < first.names.size(); ++c) {
    if (other.names[c] == first.names[c]) continue;
    Fail(other.where, ": column #", c, " is \"", other.names[c], "\", expected \"", first.names[c],
         "\" as in ", first.where);
  }
}

void CheckSameNumber(const Columns& first, const Columns& other) {
  if (other.n == first.n) return;
  Fail(other.where, ": ", other.n, other.n == 1 ? " column" : " columns", ", expected ", first.n,
       " as in ", first.where);
}

/// Names for columns that have none: their positions.
std::vector<std::string> PositionNames(int n) {
  std::vector<std::string> names;
  for (int c = 0; c < n; ++c) names.push_back("#" + std::to_string(c));
  return names;
}

/// The columns that the config names.
Columns NamedColumns(const Text& text) {
  return {text.column_name_size(), {text.column_name().begin(), text.column_name().end()}, ""};
}

/// The columns of training, as far as they are known without a file; n is 0 where they are not.
Columns TrainedColumns(const Data& data) {
  if (!data.has_columns()) return NamedColumns(data.text());
  const auto& names = data.columns().name();
  return {data.columns().n(), {names.begin(), names.end()}, ""};
}

/// The columns of files whose headers do not name them, as far as they are known without a file.
class UnnamedFiles {
 public:
  UnnamedFiles(const Job& job, LabelUse labels)
      : is_told_(job.data().text().column_name_size() > 0),
        all_(is_told_ ? NamedColumns(job.data().text()) : TrainedColumns(job.data())),
        is_for_tasks_(static_cast<size_t>(all_.n)) {
    if (labels == LabelUse::kNeeded || IsNamedByFiles(job.data().text())) return;
    const std::vector<ColumnUse> uses = ColumnUses(job);
    for (const bool is_label : {true, false}) {
      for (const ColumnUse& use : uses) {
        if (use.is_label != is_label) continue;
        const std::optional<int> at = FindColumn(use.column, all_);
        if (at) is_for_tasks_[static_cast<size_t>(*at)] = is_label;
      }
    }
    n_for_tasks_ = static_cast<int>(std::count(is_for_tasks_.begin(), is_for_tasks_.end(), true));
  }

  /// Whether files may have so many columns.
  bool Fits(int n) const {
    return all_.n == 0 || n == all_.n || (n_for_tasks_ > 0 && n == all_.n - n_for_tasks_);
  }

  /// Names the columns of a file; those without a name by their position in training. Throws Error
  /// where their number does not fit.
  void Name(Columns* here) const {
    if (!Fits(here->n)) {
      const std::string unlabelled = n_for_tasks_ == 0
                                         ? ""
                                         : TextOf(", or ", all_.n - n_for_tasks_, " without the ",
                                                  n_for_tasks_, " that only tasks read");
      Fail(here->where, ": ", here->n, here->n == 1 ? " column" : " columns", ", expected ", all_.n,
           is_told_ ? " as data.text.column_name says" : " as in training", unlabelled);
    }
    const int n_all = all_.n == 0 ? here->n : all_.n;
    here->names = OfFile(here->n, all_.names.empty() ? PositionNames(n_all) : all_.names);
  }

  /// The names of Text.column_name that a file with so many columns has; none where that names
  /// none, or their number does not fit.
  std::vector<std::string> ToldNames(int n) const {
    return is_told_ && Fits(n) ? OfFile(n, all_.names) : std::vector<std::string>();
  }

 private:
  /// Those of the names of all columns that a file of n columns has.
  std::vector<std::string> OfFile(int n, const std::vector<std::string>& names) const {
    std::vector<std::string> here;
    for (size_t c = 0; c < names.size(); ++c) {
      if (static_cast<size_t>(n) == names.size() || !is_for_tasks_[c]) here.push_back(names[c]);
    }
    return here;
  }

  bool is_told_;                    // by Text.column_name
  Columns all_;                     // n is 0 where nothing is known
  std::vector<bool> is_for_tasks_;  // [all_.n]: only tasks read the column
  int n_for_tasks_ = 0;
};

/// Returns for each column of training its position in the files, found by name. Columns of one
/// name are told apart by their order, where there are as many of them.
std::vector<int> PlacesOf(const std::vector<std::string>& trained,
                          const std::vector<std::string>& here) {
  std::map<std::string_view, std::vector<int>> places;
  std::map<std::string_view, size_t> n_trained;
  for (size_t c = 0; c < here.size(); ++c) places[here[c]].push_back(static_cast<int>(c));
  for (const std::string& name : trained) ++n_trained[name];
  std::map<std::string_view, size_t> n_before;
  std::vector<int> found;
  for (const std::string& name : trained) {
    const std::vector<int>& own = places[name];
    const size_t nth = n_before[name]++;
    found.push_back(own.size() == n_trained[name] ? own[nth] : ColumnOrder::kAbsent);
  }
  return found;
}

/// Throws Error where files with these columns lack one of training that the job reads.
void CheckPlaces(const Job& job, LabelUse labels, const Columns& trained, const Columns& here,
                 const std::vector<int>& places) {
  for (const ColumnUse& use : ColumnUses(job)) {
    if (use.is_label && labels == LabelUse::kIgnored) continue;
    const std::optional<int> at = FindColumn(use.column, trained);
    if (!at || places[static_cast<size_t>(*at)] != ColumnOrder::kAbsent) continue;
    const std::string& name = trained.names[static_cast<size_t>(*at)];
    if (const auto n = std::count(here.names.begin(), here.names.end(), name); n > 1) {
      Fail(here.where, ": column \"", name, "\" (", use.user, ") is there ", n, " times, expected ",
           std::count(trained.names.begin(), trained.names.end(), name), " as in training");
    }
    Fail(here.where, ": no column \"", name, "\" (", use.user, "), which training had",
         Suggestion(name, here.names));
  }
}

/// Sets the columns and the order of files with these columns, which all have names: `are_named`,
/// or else those of their positions.
void SetColumns(const Job& job, LabelUse labels, const Columns& here, bool are_named,
                InspectedFiles* inspected) {
  Columns& columns = inspected->columns;
  columns = TrainedColumns(job.data());
  const bool is_known = columns.n > 0;
  if (is_known && are_named && columns.names.empty() && here.n != columns.n) {
    Fail(here.where, ": ", here.n, here.n == 1 ? " column" : " columns", ", expected ", columns.n,
         " as in training");
  }
  columns.where = here.where;
  if (!is_known || (are_named && columns.names.empty())) {
    columns = here;
  } else {
    if (columns.names.empty()) columns.names = PositionNames(columns.n);
    std::vector<int> places = PlacesOf(columns.names, here.names);
    if (std::count(places.begin(), places.end(), ColumnOrder::kAbsent) > 0)
      CheckPlaces(job, labels, columns, here, places);
    inspected->order = ColumnOrder(here.n, std::move(places));
  }
  if (!are_named) columns.names.clear();
}

}  // namespace

std::string CheckText(const Line& line) {
  if (line.too_long)
    return "longer than " + std::to_string(LineReader::kMaxBytes) +
           " bytes, expected a shorter line";
  return CheckText(line.text);
}

std::string CheckText(std::string_view text) {
  if (const size_t at = text.find('\0'); at != std::string_view::npos) {
    return "a NUL at byte " + std::to_string(at) + ", expected text";
  }
  if (const size_t at = FindInvalidUtf8(text); at != std::string_view::npos) {
    return "byte " + std::to_string(at) + " is not UTF-8, expected UTF-8 text";
  }
  return "";
}

bool IsHeader(const Text& text, std::span<const std::string> names,
              std::span<const std::string_view> values) {
  return text.header() ||
         (!names.empty() && std::equal(values.begin(), values.end(), names.begin(), names.end()));
}

void CheckDelimited(const LineReader& reader, const Text& text, const std::string& expected) {
  if (text.has_delimited()) return;
  const Format* format = RecogniseFormat(reader.start().substr(0, kStartBytes), text);
  if (format == nullptr) return;
  Fail(reader.path(), ": is ", format->name, ", expected delimited text", expected,
       "; data.text.delimited {} says that it is");
}

void CheckNameOrder(const Text& text, std::span<const std::string> names,
                    std::span<const std::string_view> values, const std::string& where) {
  const size_t n = values.size();
  if (n != names.size()) return;
  std::vector<std::string_view> here(values.begin(), values.end());
  std::vector<std::string_view> expected(names.begin(), names.end());
  const size_t first = static_cast<size_t>(
      std::mismatch(here.begin(), here.end(), expected.begin()).first - here.begin());
  if (first == n) return;
  const std::string_view name = here[first];
  const std::string_view expected_name = expected[first];
  std::sort(here.begin(), here.end());
  std::sort(expected.begin(), expected.end());
  if (here != expected) return;
  Fail(where, ": has the names of data.text.column_name in another order: column #", first,
       " is \"", name, "\", expected \"", expected_name, "\"; ",
       text.header() ? "" : "with data.text.header: true and ",
       "without column_name, columns are read by the names of the header");
}

InspectedFiles InspectFiles(const Job& job, const Split& split, LabelUse labels, const Tick& tick) {
  if (split.file().empty()) Fail("data: no file in a split, expected at least one");
  const Text& text = job.data().text();
  CheckNamed(job.data(), split);
  const bool named_by_files = IsNamedByFiles(text);
  const UnnamedFiles unnamed(job, labels);
  InspectedFiles inspected;
  inspected.dialect = Dialect::Of(text);
  std::optional<Columns> first;
  for (const std::string& path : split.file()) {
    tick();
    LineReader reader(path, inspected.dialect);
    CheckDelimited(reader, text,
                   path == split.file(0) ? ", since decoded files do not tell their format"
                                         : " as in " + split.file(0));
    inspected.dialect = reader.dialect();
    inspected.files.push_back({path, reader.stamp()});
    TextFile& file = inspected.files.back();
    const LineReader::Place start = reader.place();
    const ExpectedColumns expected = {
        [&](int n) { return first ? n == first->n : unnamed.Fits(n); },
        [&](int n) { return unnamed.ToldNames(n); }};
    std::optional<std::string> header;
    std::optional<Columns> here = ReadColumns(text, expected, &reader, &header);
    file.has_header = header.has_value();
    if (header.has_value()) inspected.headers.insert(*std::move(header));
    file.is_plain = reader.CanSeek() && reader.file().IsPlain() && !reader.file().IsPipe();
    if (reader.CanSeek()) {
      file.look = reader.look();
      file.first_line = start;
      if (file.has_header) {
        reader.Seek(start);
        reader.Skip(1);
        file.first_line = reader.place();
      }
      if (here.has_value() && !first.has_value() && file.is_plain)
        inspected.line_bytes = MeasureLines(&reader);
    }
    if (!here.has_value()) {
      if (text.header()) Fail(path, ": is empty, expected a header");
      continue;
    }
    if (!first.has_value()) {
      first = std::move(here);
      if (!named_by_files) unnamed.Name(&*first);
      continue;
    }
    named_by_files ? CheckSameHeader(*first, *here) : CheckSameNumber(*first, *here);
  }
  if (!first.has_value()) Fail(split.file(0), ": is empty, expected examples");
  const bool are_named =
      text.header() || text.column_name_size() > 0 || job.data().columns().name_size() > 0;
  SetColumns(job, labels, *first, are_named, &inspected);
  return inspected;
}

Columns FindTextColumns(const Data& data, const Tick& tick) {
  if (data.text().column_name_size() > 0) return NamedColumns(data.text());
  Dialect dialect = Dialect::Of(data.text());
  for (const std::string& path : data.train().file()) {
    tick();
    LineReader reader(path, dialect);
    dialect = reader.dialect();
    std::optional<std::string> header;
    const ExpectedColumns any = {[](int) { return true; },
                                 [](int) { return std::vector<std::string>(); }};
    if (std::optional<Columns> here = ReadColumns(data.text(), any, &reader, &header))
      return *std::move(here);
  }
  return {};
}

}  // namespace zhiyin::worker::data
