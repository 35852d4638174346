#include "worker/data/check_behaviour.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

namespace zhiyin::worker::data {
namespace {

void CheckNegatives(const config::Checker& check, const config::ConfigPath& path,
                    const zhiyin::Behaviour::Negatives& negatives, const Job& job) {
  check.CheckRange(path("per_event"), negatives.per_event(), 1, 100);
  check.CheckRange(path("power"), negatives.power(), 0.0, 1.0);
  if (negatives.task().empty())
    check.Fail(path, "has no task, expected at least one whose label is 0 in these rows");
  std::set<std::string> names;
  for (int i = 0; i < negatives.task_size(); ++i) {
    const std::string& name = negatives.task(i);
    if (!names.insert(name).second) check.Fail(path("task", i), "\"", name, "\" is there twice");
    if (std::none_of(job.task().begin(), job.task().end(),
                     [&](const Task& task) { return task.name() == name; }))
      check.Fail(path("task", i), "is \"", name, "\", expected the name of a task");
  }
}

}  // namespace

void FillBehaviour(zhiyin::Behaviour* behaviour) {
  if (!behaviour->has_history_length()) behaviour->set_history_length(20);
  if (behaviour->has_negatives() && !behaviour->negatives().has_power())
    behaviour->mutable_negatives()->set_power(0.75);
}

void CheckBehaviour(const config::Checker& check, const Job& job, const KnownColumns& known) {
  const Data& data = job.data();
  const zhiyin::Behaviour& behaviour = data.behaviour();
  const config::ConfigPath root = check.root()("data");
  const config::ConfigPath path = root("behaviour");
  if (!data.has_text()) check.Fail(path, "needs examples from files, expected data.text");
  if (!data.text().header() && data.text().column_name().empty())
    check.Fail(path, "needs columns with names, expected data.text.header or column_name");
  const auto check_column = [&](const char* name, const std::string& column) {
    if (column.empty()) check.Fail(path(name), "is missing, expected a column");
    if (column[0] == '#') check.Fail(path(name), "is \"", column, "\", expected a column's name");
    CheckColumn(check, path(name), column, data, known);
  };
  check_column("user", behaviour.user());
  check_column("item", behaviour.item());
  check_column("time", behaviour.time());
  if (!behaviour.event().empty()) check_column("event", behaviour.event());
  if (behaviour.has_negatives())
    CheckNegatives(check, path("negatives"), behaviour.negatives(), job);
  check.CheckRange(path("history_length"), behaviour.history_length(), 1, 1000);
  const auto check_whole = [&](const char* split, const Split& rows) {
    if (rows.first_row() != 0)
      check.Fail(root(split)("first_row"), "means nothing with data.behaviour, expected 0");
    if (rows.n_rows() != 0)
      check.Fail(root(split)("n_rows"), "means nothing with data.behaviour, expected 0");
  };
  check_whole("train", data.train());
  check_whole("test", data.test());
  const auto& train = data.train().file();
  const auto& test = data.test().file();
  if (std::equal(train.begin(), train.end(), test.begin(), test.end()) &&
      behaviour.hold_out_case() == zhiyin::Behaviour::HOLD_OUT_NOT_SET)
    check.Fail(
        path,
        "holds nothing out, and data.test has the files of data.train: expected last, from_time "
        "or share");
  switch (behaviour.hold_out_case()) {
    case zhiyin::Behaviour::HOLD_OUT_NOT_SET:
      return;
    case zhiyin::Behaviour::kLast:
      check.CheckRange(path("last"), behaviour.last(), 1, 1 << 30);
      return;
    case zhiyin::Behaviour::kFromTime:
      if (!std::isfinite(behaviour.from_time()))
        check.Fail(path("from_time"), "is no finite number");
      return;
    case zhiyin::Behaviour::kShare:
      if (!(behaviour.share() > 0 && behaviour.share() < 1))
        check.Fail(path("share"), "is ", behaviour.share(),
                   ", expected more than 0 and less than 1");
      return;
  }
}

}  // namespace zhiyin::worker::data
