// Where the outputs of a model start: at the mean labels of its tasks, so that training does not
// begin with many epochs of moving biases.
#pragma once

#include <span>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::model {

/// Returns for each task the output of the best model that knows no inputs, given the labels
/// [n_tasks] of the training split: that whose prediction is the mean label, with the prior of the
/// loss for probabilities and rates (LossKind::prior), so that few labels that are all 0 do not
/// begin as a certainty. The mean is that of the objective: with the weights of the examples and
/// Task.positive_weight, and smoothed labels.
/// Task.negative_share does not move it, since the negatives that are kept stand for all. Returns 0
/// for losses whose outputs have no such level (LossKind::first_output), and where no example has a
/// weight. Model::InitOutputs takes the result.
std::vector<double> FirstOutputs(const Job& job, std::span<const data::LabelSums> labels);

}  // namespace zhiyin::worker::model
