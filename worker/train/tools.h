// What a worker works with, whatever it is asked to do.
#pragma once

#include <memory>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/dense_weights.h"
#include "worker/model/model.h"
#include "worker/model/nn/team.h"
#include "worker/model/task_heads.h"
#include "worker/train/evaluator.h"
#include "worker/train/group.h"

namespace zhiyin::worker::train {

/// Used by the rank's thread; borrows the mailbox.
struct Tools {
  /// `evaluates`: the metrics of the test split are wanted.
  Tools(const Job& job, const net::RoleMap& roles, bool evaluates, int n_threads,
        net::Mailbox* mailbox)
      : team(n_threads),
        group(mailbox, roles),
        client(mailbox, roles, job),
        model(model::MakeModel(job)),
        dense(model::balance::TaskBalance::NumWeights(job, *model)),
        heads(job),
        evaluator(evaluates ? std::make_unique<Evaluator>(job, &client, &group, roles.n_workers,
                                                          model.get(), &dense, &heads)
                            : nullptr) {}

  model::nn::Team team;
  Group group;
  ps::client::Client client;
  std::unique_ptr<model::Model> model;
  model::DenseWeights dense;
  model::TaskHeads heads;
  std::unique_ptr<Evaluator> evaluator;
};

}  // namespace zhiyin::worker::train
