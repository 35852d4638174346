// The model's own weights at the servers: their first values, and what batch normalisation uses
// outside of training.
#pragma once

#include <string>

#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "worker/model/nn/batch_statistics.h"
#include "worker/train/tools.h"

namespace zhiyin::worker::train {

/// The chief gives the weights their first values. Collective over all workers.
void InitModelWeights(const Job& job, Tools* tools);

/// Merges what each worker's batch normalisation has seen in an epoch, with `left` of the part of
/// the epoch before a resume ("" for none), and has the chief write it to the dense weights.
/// Collective over all workers. REQUIRES: all pushes are applied; nobody pulls before it returns.
void StoreBatchStatistics(const model::nn::BatchStatistics& own, const std::string& left,
                          int n_tables, const net::RoleMap& roles, Tools* tools);

}  // namespace zhiyin::worker::train
