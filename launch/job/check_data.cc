// What the data of a job must be before it may run.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "common/config/checker.h"
#include "common/text.h"
#include "launch/job/check_job.h"
#include "worker/data/behaviour_columns.h"
#include "worker/data/generated/columns.h"

namespace zhiyin::launch::job {
namespace {

constexpr size_t kMaxFileNameBytes = 4095;  // PATH_MAX without its NUL
constexpr int64_t kMinShuffleRows = 256;

class DataChecker : private config::Checker {
 public:
  DataChecker(const Job& job, const config::ConfigBlame& blame)
      : config::Checker(job, blame), job_(job) {}

  worker::data::KnownColumns Run() {
    const config::ConfigPath data = root()("data");
    if (job_.data().source_case() == Data::SOURCE_NOT_SET)
      Fail(data, "has no source, expected text or one of the generated ones");
    if (!job_.data().has_train()) Fail(data, "has no split to train on, expected train");
    CheckRange(data("max_bad_share"), job_.data().max_bad_share(), 0.0, 1.0);
    CheckRange(data("shuffle_rows"), job_.data().shuffle_rows(), kMinShuffleRows, int64_t{1} << 40);
    if (job_.data().has_text()) {
      CheckText(data("text"), job_.data().text());
      const auto& given = job_.data().text().column_name();
      columns_.assign(given.begin(), given.end());
    }
    if (IsGenerated()) {
      CheckGenerated(data(std::string(worker::data::GeneratedName(job_.data())).c_str()));
      columns_ = worker::data::GeneratedColumns(job_.data());
    }
    CheckJoins();
    if (job_.data().has_behaviour() && !columns_.empty())
      columns_.insert(columns_.end(), worker::data::kBehaviourColumns.begin(),
                      worker::data::kBehaviourColumns.end());
    const worker::data::KnownColumns known(columns_);
    if (job_.data().has_behaviour())
      CheckBehaviour(data("behaviour"), job_.data().behaviour(), known);
    CheckSplit(data("train"), job_.data().train());
    if (job_.data().has_test()) CheckSplit(data("test"), job_.data().test());
    return known;
  }

 private:
  /// Adds their columns where all are known; columns_ is empty where the files' headers will say.
  void CheckJoins() {
    for (int i = 0; i < job_.data().join_size(); ++i) {
      const config::ConfigPath path = root()("data")("join", i);
      const Join& join = job_.data().join(i);
      if (!job_.data().has_text()) Fail(path, "needs rows from files, expected data.text");
      CheckText(path("text"), join.text());
      CheckFiles(path, join.file());
      const zhiyin::Text& own = job_.data().text();
      if ((!own.header() && own.column_name().empty()) ||
          (!join.text().header() && join.text().column_name().empty()))
        Fail(path,
             "needs columns with names, expected header or column_name in data.text and in the "
             "join's text");
      if (join.column().empty()) Fail(path("column"), "is missing, expected a column of the rows");
      const auto& names = join.text().column_name();
      if (!names.empty() && std::find(names.begin(), names.end(), join.key()) == names.end())
        Fail(path("key"), TextOf("is \"", join.key(), "\", expected a name of text.column_name"));
      if (columns_.empty()) continue;
      if (std::find(columns_.begin(), columns_.end(), join.column()) == columns_.end())
        Fail(path("column"), TextOf("is \"", join.column(), "\", expected a column of the rows",
                                    Suggestion(join.column(), columns_)));
      if (names.empty()) {
        columns_.clear();  // nothing is known of the columns from here on
        continue;
      }
      for (const std::string& name : names) {
        if (name == join.key()) continue;
        if (std::find(columns_.begin(), columns_.end(), name) != columns_.end())
          Fail(path("text"), TextOf("has a column \"", name,
                                    "\", and so have the rows: expected names that differ"));
        columns_.push_back(name);
      }
    }
  }

  void CheckBehaviour(const config::ConfigPath& path, const Behaviour& behaviour,
                      const worker::data::KnownColumns& known) const {
    const config::ConfigPath data = root()("data");
    if (!job_.data().has_text()) Fail(path, "needs rows from files, expected data.text");
    if (!job_.data().text().header() && job_.data().text().column_name().empty())
      Fail(path, "needs columns with names, expected data.text.header or column_name");
    const auto check_column = [&](const char* name, const std::string& column) {
      if (column.empty()) Fail(path(name), "is missing, expected a column");
      if (column[0] == '#')
        Fail(path(name), TextOf("is \"", column, "\", expected a column's name"));
      worker::data::CheckColumn(*this, path(name), column, job_.data(), known);
    };
    check_column("user", behaviour.user());
    check_column("item", behaviour.item());
    check_column("time", behaviour.time());
    if (!behaviour.event().empty()) check_column("event", behaviour.event());
    if (behaviour.has_negatives()) CheckNegatives(path("negatives"), behaviour.negatives());
    CheckRange(path("history_length"), behaviour.history_length(), 1, 1000);
    const auto check_whole = [&](const char* split, const Split& rows) {
      if (rows.first_row() != 0)
        Fail(data(split)("first_row"), "means nothing with data.behaviour, expected 0");
      if (rows.n_rows() != 0)
        Fail(data(split)("n_rows"), "means nothing with data.behaviour, expected 0");
    };
    check_whole("train", job_.data().train());
    check_whole("test", job_.data().test());
    const auto& train = job_.data().train().file();
    const auto& test = job_.data().test().file();
    if (std::equal(train.begin(), train.end(), test.begin(), test.end()) &&
        behaviour.hold_out_case() == Behaviour::HOLD_OUT_NOT_SET)
      Fail(path,
           "holds nothing out, and data.test has the files of data.train: expected last, from_time "
           "or share");
    switch (behaviour.hold_out_case()) {
      case Behaviour::HOLD_OUT_NOT_SET:
        return;
      case Behaviour::kLast:
        CheckRange(path("last"), behaviour.last(), 1, 1 << 30);
        return;
      case Behaviour::kFromTime:
        if (!std::isfinite(behaviour.from_time())) Fail(path("from_time"), "is no finite number");
        return;
      case Behaviour::kShare:
        if (!(behaviour.share() > 0 && behaviour.share() < 1))
          Fail(path("share"),
               TextOf("is ", behaviour.share(), ", expected more than 0 and less than 1"));
        return;
    }
  }

  void CheckNegatives(const config::ConfigPath& path, const Behaviour::Negatives& negatives) const {
    CheckRange(path("per_event"), negatives.per_event(), 1, 100);
    CheckRange(path("power"), negatives.power(), 0.0, 1.0);
    if (negatives.task().empty())
      Fail(path, "has no task, expected at least one whose label is 0 in these rows");
    std::set<std::string> names;
    for (int i = 0; i < negatives.task_size(); ++i) {
      const std::string& name = negatives.task(i);
      if (!names.insert(name).second)
        Fail(path("task", i), TextOf("\"", name, "\" is there twice"));
      if (std::none_of(job_.task().begin(), job_.task().end(),
                       [&](const Task& task) { return task.name() == name; }))
        Fail(path("task", i), TextOf("is \"", name, "\", expected the name of a task"));
    }
  }

  bool IsGenerated() const { return !worker::data::GeneratedName(job_.data()).empty(); }

  void CheckGenerated(const config::ConfigPath& path) const {
    const Data& data = job_.data();
    CheckRange(path("n_rows"), worker::data::GeneratedRows(data), int64_t{1}, int64_t{1} << 40);
    if (data.has_generated_ratings())
      CheckNotNegative(path("noise"), data.generated_ratings().noise());
    if (data.has_generated_uniform()) {
      CheckRange(path("n_columns"), data.generated_uniform().n_columns(), 1,
                 worker::data::kMaxInputs);
      CheckRange(path("n_categories"), data.generated_uniform().n_categories(), int64_t{1},
                 int64_t{1} << 60);
      CheckRange(path("n_labels"), data.generated_uniform().n_labels(), 1, worker::data::kMaxTasks);
    }
    if (data.has_generated_related_tasks()) {
      const GeneratedRelatedTasks& tasks = data.generated_related_tasks();
      CheckRange(path("n_features"), tasks.n_features(), 2, worker::data::kMaxInputs);
      CheckRange(path("correlation"), tasks.correlation(), -1.0, 1.0);
      CheckPositive(path("scale"), tasks.scale());
      CheckRange(path("n_sines"), tasks.n_sines(), 0, 1000);
      CheckNotNegative(path("noise"), tasks.noise());
    }
    if (data.has_generated_funnel()) {
      const GeneratedFunnel& funnel = data.generated_funnel();
      CheckRange(path("n_steps"), funnel.n_steps(), 2, 8);
      CheckRange(path("n_users"), funnel.n_users(), 1, 1 << 30);
      CheckRange(path("n_items"), funnel.n_items(), 1, 1 << 30);
      CheckRange(path("n_logged"), funnel.n_logged(), int64_t{0}, funnel.n_rows());
    }
  }

  void CheckText(const config::ConfigPath& path, const zhiyin::Text& text) const {
    const size_t n = text.delimiter().size();
    if (n < 1 || n > 2) Fail(path("delimiter"), TextOf("has ", n, " characters, expected 1 or 2"));
    if (text.delimiter().find_first_of("\r\n") != std::string::npos)
      Fail(path("delimiter"), "holds a line break, which ends the line");
    if (text.quote() == "\r" || text.quote() == "\n")
      Fail(path("quote"), "is a line break, which ends the line");
    if (text.quote().size() > 1)
      Fail(path("quote"), TextOf("has ", text.quote().size(), " characters, expected at most 1"));
    if (!text.quote().empty() && text.delimiter().find(text.quote()) != std::string::npos) {
      Fail(path("quote"), "is part of the delimiter");
    }
    if (text.header() && text.column_name_size() > 0)
      Fail(path("column_name"), "is given, and header too: expected one of them");
    std::set<std::string> names;
    for (int i = 0; i < text.column_name_size(); ++i) {
      const std::string& name = text.column_name(i);
      if (name.empty()) Fail(path("column_name", i), "is empty");
      if (!names.insert(name).second)
        Fail(path("column_name", i), TextOf("\"", name, "\" is taken by an earlier one"));
    }
  }

  void CheckSplit(const config::ConfigPath& path, const Split& split) const {
    if (IsGenerated() && split.file_size() > 0)
      Fail(path("file", 0), "generated data is not read from files");
    CheckFiles(path, split.file());
    CheckRange(path("first_row"), split.first_row(), int64_t{0}, int64_t{1} << 60);
    CheckRange(path("n_rows"), split.n_rows(), int64_t{0}, int64_t{1} << 60);
    if (IsGenerated()) CheckGeneratedSplit(path, split);
  }

  void CheckFiles(const config::ConfigPath& path,
                  const google::protobuf::RepeatedPtrField<std::string>& files) const {
    if (job_.data().has_text() && files.empty()) Fail(path, "has no file");
    for (int i = 0; i < files.size(); ++i) {
      const std::string& file = files[i];
      if (file.empty() || file.ends_with('/') || file.find('\0') != std::string::npos)
        Fail(path("file", i), TextOf("is \"", file, "\", expected a file's name"));
      if (file.size() > kMaxFileNameBytes) {
        Fail(path("file", i),
             TextOf("has ", file.size(), " bytes with its folder, expected at most ",
                    kMaxFileNameBytes));
      }
    }
  }

  void CheckGeneratedSplit(const config::ConfigPath& path, const Split& split) const {
    const int64_t n_rows = worker::data::GeneratedRows(job_.data());
    if (split.first_row() >= n_rows) {
      Fail(path("first_row"),
           TextOf("is ", split.first_row(), ", expected less than data.",
                  worker::data::GeneratedName(job_.data()), ".n_rows, ", n_rows));
    }
    if (split.n_rows() > n_rows - split.first_row()) {
      Fail(path("n_rows"),
           TextOf("is ", split.n_rows(), ", expected at most ", n_rows - split.first_row(),
                  ", the generated rows from first_row"));
    }
  }

  const Job& job_;
  std::vector<std::string>
      columns_;  // as far as they are known; empty where the files' headers will say
};

}  // namespace

worker::data::KnownColumns CheckData(const Job& job, const config::ConfigBlame& blame) {
  return DataChecker(job, blame).Run();
}

}  // namespace zhiyin::launch::job
