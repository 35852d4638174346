// The dense weights at the servers: their initial values, and the statistics that batch
// normalisation uses outside of training.
#pragma once

#include <span>
#include <string>

#include "common/net/role_map.h"
#include "configs/job.pb.h"
#include "worker/model/nn/batch_statistics.h"
#include "worker/train/tools.h"

namespace zhiyin::worker::train {

/// Sets the initial values of the dense weights, at the chief. The outputs start at first_outputs
/// [n_tasks], unless the job has them start at 0. Collective over all workers.
void InitModelWeights(const Job& job, std::span<const double> first_outputs, Tools* tools);

/// Merges the batch statistics of all workers in an epoch, and those of the part of the epoch
/// before a resume (`left`, serialized; "" for none). The chief writes the result to the dense
/// weights. Collective over all workers. REQUIRES: all pushes are applied; no worker pulls before
/// this returns.
void StoreBatchStatistics(const model::nn::BatchStatistics& own, const std::string& left,
                          int n_tables, const net::RoleMap& roles, Tools* tools);

}  // namespace zhiyin::worker::train
