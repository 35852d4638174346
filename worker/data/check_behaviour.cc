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

/// Whether the split has the files of data.train, so that events are held out for it.
bool IsHeldOut(const Data& data, const Split& split) {
  return !split.file().empty() &&
         std::equal(split.file().begin(), split.file().end(), data.train().file().begin(),
                    data.train().file().end());
}

void CheckEvents(const config::Checker& check, const config::ConfigPath& path, int32_t last) {
  check.CheckRange(path, last, 1, 1 << 30);
}

void CheckTime(const config::Checker& check, const config::ConfigPath& path, double time) {
  if (!std::isfinite(time)) check.Fail(path, "is no finite number");
}

void CheckDrawn(const config::Checker& check, const config::ConfigPath& path, double share) {
  if (!(share > 0 && share < 1))
    check.Fail(path, "is ", share, ", expected more than 0 and less than 1");
}

void CheckHoldOut(const config::Checker& check, const config::ConfigPath& path, const Data& data) {
  const zhiyin::Behaviour& behaviour = data.behaviour();
  switch (behaviour.hold_out_case()) {
    case zhiyin::Behaviour::HOLD_OUT_NOT_SET:
      if (IsHeldOut(data, data.test()))
        check.Fail(path,
                   "holds nothing out, and data.test has the files of data.train: expected last, "
                   "from_time or share");
      return;
    case zhiyin::Behaviour::kLast:
      return CheckEvents(check, path("last"), behaviour.last());
    case zhiyin::Behaviour::kFromTime:
      return CheckTime(check, path("from_time"), behaviour.from_time());
    case zhiyin::Behaviour::kShare:
      return CheckDrawn(check, path("share"), behaviour.share());
  }
}

void CheckHoldOutForValidation(const config::Checker& check, const config::ConfigPath& path,
                               const Data& data) {
  const zhiyin::Behaviour& behaviour = data.behaviour();
  const bool holds_out =
      behaviour.hold_out_validation_case() != zhiyin::Behaviour::HOLD_OUT_VALIDATION_NOT_SET;
  if (holds_out != IsHeldOut(data, data.validation())) {
    check.Fail(path, holds_out
                         ? "holds events out for validation, and data.validation has not the "
                           "files of data.train: expected them there"
                         : "holds nothing out for validation, and data.validation has the files "
                           "of data.train: expected validation_last, validation_from_time or "
                           "validation_share");
  }
  switch (behaviour.hold_out_validation_case()) {
    case zhiyin::Behaviour::HOLD_OUT_VALIDATION_NOT_SET:
      return;
    case zhiyin::Behaviour::kValidationLast:
      return CheckEvents(check, path("validation_last"), behaviour.validation_last());
    case zhiyin::Behaviour::kValidationFromTime:
      CheckTime(check, path("validation_from_time"), behaviour.validation_from_time());
      if (behaviour.has_from_time() && behaviour.validation_from_time() >= behaviour.from_time())
        check.Fail(path("validation_from_time"), "is ", behaviour.validation_from_time(),
                   ", expected less than from_time, ", behaviour.from_time());
      return;
    case zhiyin::Behaviour::kValidationShare:
      CheckDrawn(check, path("validation_share"), behaviour.validation_share());
      if (behaviour.share() + behaviour.validation_share() >= 1)
        check.Fail(path("validation_share"), "is ", behaviour.validation_share(),
                   ", expected less than 1 together with share, ", behaviour.share());
      return;
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
  const auto check_column = [&](const char* name, const std::string& column) {
    if (column.empty()) check.Fail(path(name), "is missing, expected a column");
    if (column[0] == '#') check.Fail(path(name), "is \"", column, "\", expected a column's name");
    CheckColumn(check, path(name), column, known);
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
  check_whole("validation", data.validation());
  check_whole("test", data.test());
  CheckHoldOut(check, path, data);
  CheckHoldOutForValidation(check, path, data);
}

}  // namespace zhiyin::worker::data
