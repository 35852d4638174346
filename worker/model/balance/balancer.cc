#include "worker/model/balance/balancer.h"

#include <cmath>

#include "common/config/kinds.h"
#include "worker/model/balance/balancers.h"

namespace zhiyin::worker::model::balance {
namespace {

/// The method of the job; null where it has none.
const BalancerKind* ChosenBalancer(const Job& job) {
  return config::FindKind(Balancers(), config::ChosenName(job.train().balance(), "kind"));
}

}  // namespace

std::span<const BalancerKind* const> Balancers() {
#define ZHIYIN_ADDRESS(Name) &k##Name,
  static constexpr const BalancerKind* kKinds[] = {ZHIYIN_BALANCERS(ZHIYIN_ADDRESS)};
#undef ZHIYIN_ADDRESS
  return kKinds;
}

std::vector<size_t> WeightedTasks(const Job& job) {
  std::vector<size_t> tasks;
  for (int t = 0; t < job.task_size(); ++t) {
    if (job.task(t).weight() != 0) tasks.push_back(static_cast<size_t>(t));
  }
  return tasks;
}

std::vector<Eigen::Index> TasksWithGradient(const Eigen::MatrixXd& gram) {
  std::vector<Eigen::Index> tasks;
  for (Eigen::Index t = 0; t < gram.rows(); ++t) {
    if (gram(t, t) > 0) tasks.push_back(t);
  }
  return tasks;
}

double LossRatio(double loss, double before) {
  return loss > 0 && before > 0 && std::isfinite(loss / before) ? loss / before : 1;
}

std::unique_ptr<Balancer> MakeBalancer(const Job& job) {
  const BalancerKind* kind = ChosenBalancer(job);
  return kind == nullptr ? nullptr : kind->make(job);
}

void FillBalance(Job* job) {
  const BalancerKind* kind = ChosenBalancer(*job);
  if (kind != nullptr && kind->fill_defaults != nullptr)
    kind->fill_defaults(job->mutable_train()->mutable_balance());
}

void CheckBalance(const config::Checker& check, const Job& job) {
  const BalancerKind* kind = ChosenBalancer(job);
  if (kind == nullptr) return;
  const config::ConfigPath path = check.root()("train")("balance");
  if (job.task_size() < 2) check.Fail(path, "balances one task, expected two or more");
  if (kind->check != nullptr) kind->check(check, path(kind->name), job.train().balance());
}

}  // namespace zhiyin::worker::model::balance
