// What stands between the inputs and the network: sequences are read, then fields meet.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/matrix.h"
#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/model/input_layout.h"
#include "worker/model/interaction/interaction.h"
#include "worker/model/sequence/sequence_reader.h"

namespace zhiyin::worker::model {

/// x [n, layout.dim] -> features [n, fields and sequences that were read, numerics], each times its
/// gate where the job has gates -> the columns of all interactions side by side. Fields of the wide
/// part are no features. Used by one thread; takes its weights as DenseLayer does.
class FeatureStack {
 public:
  FeatureStack(const Job& job, int64_t* n_weights);

  /// Columns that come out.
  int out() const { return out_; }
  void Init(Random* random, std::span<float> weights) const;
  /// What a pass that does not train computes.
  struct Values {
    nn::Graph::Value features;  // [n, features_layout().dim]
    nn::Graph::Value output;    // [n, out()]
  };
  Values AddTo(nn::Graph* graph, std::span<const float> weights, const nn::Graph::Value& x) const;
  /// output() [n, out()]. x must stay as it is until Backward has returned.
  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass);
  const Matrix& output() const { return output_; }
  /// Where the caller puts d loss / d output before Backward; overwritten by it.
  Matrix& doutput() { return doutput_; }
  /// factor * penalty() is part of the objective of the next Backward, and of no other.
  void AddPenalty(float factor) { penalty_factor_ = factor; }
  /// l1 * sum |gate| of the last Forward; 0 without gates.
  double penalty() const { return penalty_; }
  /// By input, in the order of the features; empty without gates.
  std::vector<std::pair<std::string, float>> Gates(std::span<const float> weights) const;
  /// Backward in two halves; between them others that read the features add to dfeatures().
  /// dweights += ..., dx [n, layout.dim] = ..., zeros where the features do not come from.
  void BackwardToFeatures(std::span<const float> weights, std::span<float> dweights);
  void BackwardToInputs(std::span<const float> weights, const ConstMatrixView& x,
                        std::span<float> dweights, Matrix* dx);

  const InputLayout& features_layout() const { return features_layout_; }
  /// [n, features_layout().dim]
  const Matrix& features() const { return features_; }
  Matrix& dfeatures() { return dfeatures_; }

 private:
  struct Copied {
    int from = 0;  // in x
    int to = 0;    // in the features
    int width = 0;
  };
  struct Read {
    std::unique_ptr<nn::ColumnLayer> reader;
    int to = 0;
  };

  /// The features' parts, a gate each.
  std::vector<InputLayout::Part> GatedParts() const;

  int out_ = 0;
  bool has_gates_ = false;
  double l1_ = 0;
  int64_t gates_ = 0;  // where they begin in the weights
  double penalty_ = 0;
  float penalty_factor_ = 0;  // of the next Backward
  std::vector<Copied> copied_;
  std::vector<Read> sequences_;
  InputLayout features_layout_;
  std::vector<std::unique_ptr<nn::ColumnLayer>> interactions_;
  Matrix features_;
  Matrix ungated_;  // features before their gates; of a job with gates
  Matrix dfeatures_;
  Matrix output_;
  Matrix doutput_;
};

}  // namespace zhiyin::worker::model
