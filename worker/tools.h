// What a worker works with, whatever it is asked to do.
#pragma once

#include <memory>

#include "common/net/mailbox.h"
#include "common/role_map.h"
#include "configs/job.pb.h"
#include "ps/client.h"
#include "worker/balance/task_balance.h"
#include "worker/dense_weights.h"
#include "worker/evaluator.h"
#include "worker/group.h"
#include "worker/model/model.h"
#include "worker/nn/team.h"
#include "worker/task_heads.h"

namespace zhiyin::worker {

/// Used by the rank's thread; borrows the mailbox.
struct Tools {
  /// `evaluates`: the metrics of the test split are wanted.
  Tools(const Job& job, const RoleMap& roles, bool evaluates, int n_threads, Mailbox* mailbox)
      : team(n_threads),
        group(mailbox, roles),
        client(mailbox, roles, job),
        model(MakeModel(job)),
        dense(TaskBalance::NumWeights(job, *model)),
        heads(job),
        evaluator(evaluates ? std::make_unique<Evaluator>(job, &client, &group, roles.n_workers,
                                                                      model.get(), &dense, &heads)
                                        : nullptr) {}

  Team team;
  Group group;
  ps::Client client;
  std::unique_ptr<Model> model;
  DenseWeights dense;
  TaskHeads heads;
  std::unique_ptr<Evaluator> evaluator;
};

}  // namespace zhiyin::worker
