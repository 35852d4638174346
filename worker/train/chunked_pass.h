// The forward and the backward pass of a slice, in chunks of examples one after the other.
//
// What a chunk's layers write and read forward and backward stays in a core's cache; of a whole
// slice it does not, and much of a step would be waits for memory (docs/benchmarks.md, Chunks).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "configs/job.pb.h"
#include "worker/model/model.h"
#include "worker/model/task_heads.h"
#include "worker/train/profile.h"

namespace zhiyin::worker::train {

/// Used by the rank's thread; borrows the model, the heads and the profile.
class ChunkedPass {
 public:
  ChunkedPass(const Job& job, model::Model* model, model::TaskHeads* heads, Profile* profile);

  /// Whether the examples of a slice can be computed in chunks: neither the model nor a loss nor
  /// the balance of tasks relates them to each other.
  bool IsPossible() const { return is_possible_; }
  /// The number of examples of each chunk but the last: a function of the model's size alone, so
  /// that results do not depend on who computes a slice.
  Eigen::Index rows() const { return rows_; }

  struct Slice {
    const ConstMatrixView& x;
    const model::Targets& targets;
    int64_t step_examples;
  };
  /// Sets outputs and predictions [n, n_tasks] and dx, and adds to dweights. Dropout draws for each
  /// chunk anew. Returns false where some predictions are not finite: then those are set, too, but
  /// gradients are of a part of the slice. REQUIRES: IsPossible().
  bool Run(std::span<const float> weights, const Slice& slice, const model::nn::Pass& pass,
           Matrix* outputs, std::span<float> predictions, std::span<float> dweights, Matrix* dx);

 private:
  model::Model* model_;
  model::TaskHeads* heads_;
  Profile* profile_;
  size_t n_tasks_;
  bool is_possible_;
  Eigen::Index rows_;
  /// What a chunk needs. The last one of a slice has memory of its own, since its shape differs.
  struct Memory {
    Matrix outputs, doutputs, dx;
  };
  Memory full_, last_;
  std::vector<double> objectives_;  // [n_tasks]
};

}  // namespace zhiyin::worker::train
