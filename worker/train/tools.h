// The objects that a worker needs for training, evaluation and prediction.
#pragma once

#include <memory>
#include <vector>

#include "common/net/mailbox.h"
#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "ps/client/client.h"
#include "worker/data/file_bytes.h"
#include "worker/model/balance/task_balance.h"
#include "worker/model/dense_weights.h"
#include "worker/model/model.h"
#include "worker/model/nn/team.h"
#include "worker/model/task_heads.h"
#include "worker/train/evaluator.h"
#include "worker/train/group.h"
#include "worker/train/host_side_inputs.h"

namespace zhiyin::worker::train {

/// The client, the model and what they need. Used by the rank's thread; borrows the mailbox.
struct Tools {
  /// `evaluated`: the splits to make evaluators for. `n_threads`: threads for matrix products.
  Tools(const Job& job, const net::RoleMap& roles, const std::vector<data::SplitKind>& evaluated,
        int n_threads, net::Mailbox* mailbox)
      : team(n_threads),
        group(mailbox, roles),
        side(ReadSideInputsOnceAHost(job, HostIdentity(), roles.n_workers, &reads, &group)),
        client(mailbox, roles, job),
        model(model::MakeModel(job)),
        dense(model::balance::TaskBalance::NumWeights(job, *model)),
        heads(job) {
    for (const data::SplitKind split : evaluated) {
      evaluators.push_back(std::make_unique<Evaluator>(job, split, &client, &group, roles.n_workers,
                                                       model.get(), &dense, &heads, side, &reads));
    }
  }

  data::ReadCounts reads;  // of the splits
  model::nn::Team team;
  Group group;
  data::SideInputs side;  // which all sources of the job are given
  ps::client::Client client;
  std::unique_ptr<model::Model> model;
  model::DenseWeights dense;
  model::TaskHeads heads;
  std::vector<std::unique_ptr<Evaluator>> evaluators;  // of the evaluated splits, in their order
};

}  // namespace zhiyin::worker::train
