#include "worker/model/loss/loss.h"

#include <glog/logging.h>

#include <vector>

#include "common/config/kinds.h"
#include "worker/model/loss/losses.h"

namespace zhiyin::worker::model::loss {

void CheckGroupField(const config::Checker& check, const config::ConfigPath& path,
                     const std::string& name, const Job& job) {
  std::vector<std::string> names;
  for (const Field& field : job.field()) {
    names.push_back(field.name());
    if (field.name() != name) continue;
    if (!field.separator().empty()) {
      check.Fail(path, "field \"", name,
                 "\" has several values in a row, expected one without a separator");
    }
    return;
  }
  check.FailUnknown(path, "field", name, names);
}

std::span<const LossKind* const> Losses() {
#define ZHIYIN_ADDRESS(Name) &k##Name,
  static constexpr const LossKind* kLosses[] = {ZHIYIN_LOSSES(ZHIYIN_ADDRESS)};
#undef ZHIYIN_ADDRESS
  return kLosses;
}

const LossKind* ChosenLoss(const Task& task) {
  return config::FindKind(Losses(), config::ChosenName(task, "loss"));
}

std::unique_ptr<Loss> MakeLoss(const Task& task) {
  const LossKind* kind = ChosenLoss(task);
  CHECK(kind != nullptr) << "a task without a loss passed the checks";
  return kind->make();
}

PredictionKind PredictionOf(const Task& task) {
  return MakeLoss(task)->kind();
}

std::string GroupField(const Task& task) {
  const LossKind* kind = ChosenLoss(task);
  return kind->group == nullptr ? "" : *kind->group(task);
}

std::string NamesOfLosses(PredictionKind prediction) {
  std::vector<std::string> names;
  for (const LossKind* kind : Losses()) {
    if (kind->make()->kind() == prediction) names.emplace_back(kind->name);
  }
  return config::Listed(names, "or");
}

void CheckHasLoss(const config::Checker& check, const config::ConfigPath& path, const Task& task) {
  if (ChosenLoss(task) == nullptr)
    check.Fail(path, "has no loss, expected ", config::Listed(config::KindNames(Losses()), "or"));
}

void CheckLoss(const config::Checker& check, const config::ConfigPath& path, const Task& task,
               const Job& job) {
  const std::string group = GroupField(task);
  if (!group.empty()) CheckGroupField(check, path(ChosenLoss(task)->name)("group"), group, job);
}

}  // namespace zhiyin::worker::model::loss
