#include "worker/model/balance/balancer.h"

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
