#include "worker/data/joins.h"

#include <glog/logging.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/check_text.h"

namespace zhiyin::worker::data {

namespace {

bool IsAmong(const std::string& name, const std::vector<std::string>& names) {
  return std::ranges::find(names, name) != names.end();
}

/// Checks Join.add; `names` are those of the columns of the files, empty where they are not known.
void CheckAdded(const config::Checker& check, const config::ConfigPath& path, const Join& join,
                const std::vector<std::string>& names) {
  for (int a = 0; a < join.add_size(); ++a) {
    const std::string& name = join.add(a);
    if (name.empty()) check.Fail(path("add", a), "is empty, expected the name of a column");
    if (name == join.key()) check.Fail(path("add", a), "is the key, which is not added");
    if (std::find(join.add().begin(), join.add().begin() + a, name) != join.add().begin() + a)
      check.Fail(path("add", a), "\"", name, "\" comes twice");
    if (!names.empty() && !IsAmong(name, names))
      check.FailUnknown(path("add", a), "column", name, names);
  }
}

/// Checks what says how the files of a join are read. Returns the names of their columns; none
/// where the files tell them.
std::vector<std::string> CheckJoinText(const config::Checker& check, const config::ConfigPath& path,
                                       const Join& join) {
  const zhiyin::Text& text = join.text();
  CheckText(check, path("text"), text);
  if (text.has_slots()) return {};
  if ((text.has_libsvm() || text.has_libffm()) && join.add().empty())
    check.Fail(path, "has files whose columns are numbers, expected add, the columns to add");
  std::vector<std::string> names(text.column_name().begin(), text.column_name().end());
  const bool is_delimited =
      text.has_delimited() || text.has_delimiter() || text.has_quote() || text.escapes();
  if (is_delimited && !text.header() && names.empty())
    check.Fail(path, "needs columns with names, expected header or column_name in its text");
  if (!names.empty() && !IsAmong(join.key(), names))
    check.Fail(path("key"), "is \"", join.key(), "\", expected a name of text.column_name");
  return names;
}

}  // namespace

void FillJoins(Data* data) {
  for (Join& join : *data->mutable_join()) {
    if (join.key().empty()) join.set_key(join.column());
    if (!join.has_text()) {
      *join.mutable_text() = data->text();
      join.mutable_text()->clear_layout();  // these files tell their own format
    }
    FillText(join.mutable_text());
  }
}

void CheckJoins(const config::Checker& check, const Data& data, std::vector<std::string>* columns) {
  for (int i = 0; i < data.join_size(); ++i) {
    const config::ConfigPath path = check.root()("data")("join", i);
    const Join& join = data.join(i);
    if (!data.has_text()) check.Fail(path, "needs examples from files, expected data.text");
    const std::vector<std::string> names = CheckJoinText(check, path, join);
    CheckFiles(check, path, data, join.file(), /*may_be_pipe=*/false);
    if (join.column().empty())
      check.Fail(path("column"), "is missing, expected a column of the data");
    CheckAdded(check, path, join, names);
    if (columns->empty()) continue;
    if (!IsAmong(join.column(), *columns))
      check.Fail(path("column"), "is \"", join.column(), "\", expected a column of the data",
                 Suggestion(join.column(), (*columns)));
    const std::vector<std::string> added(join.add().begin(), join.add().end());
    if (names.empty() && added.empty()) {
      columns->clear();  // nothing is known of the columns from here on
      continue;
    }
    for (const std::string& name : added.empty() ? names : added) {
      if (name == join.key()) continue;
      if (IsAmong(name, *columns))
        check.Fail(path("text"), "has a column \"", name,
                   "\", and so have the data: expected names that differ");
      columns->push_back(name);
    }
  }
}

std::vector<std::string> JoinedColumns(const Job& job) {
  std::vector<std::string> columns;
  for (int j = 0; j < job.data().join_size(); ++j) {
    for (std::string& name : ColumnsOfJoin(job, j)) columns.push_back(std::move(name));
  }
  return columns;
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
  // Which columns of records that name their values are read, labels tell, too.
  for (const Task& task : job.task()) {
    Task* const own = part.add_task();
    own->set_name(task.name());
    *own->mutable_label() = task.label();
    if (task.has_sample_space()) *own->mutable_sample_space() = task.sample_space();
    own->set_weight_column(task.weight_column());
  }
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
  return TextOf("column \"", config.column(), "\" has ", QuotedKey(value), ", ", config.file(0),
                " has ", file.n_lines() == 0 ? "no line" : QuotedKey(file.key(0)));
}

}  // namespace zhiyin::worker::data
