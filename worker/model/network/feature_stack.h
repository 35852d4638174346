// The layers between the inputs and the network: sequence readers, gates and interactions.
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

/// Maps x [n, layout.dim] to features [n, features_layout().dim], and these to the output [n,
/// out()]. The features are the fields, the vectors that sequence readers make of sequences, and
/// the numerics, each times its gate if the job has gates; fields of the wide part are left out.
/// The output consists of the columns of all interactions side by side. Used by one thread; takes
/// its weights as DenseLayer does.
class FeatureStack {
 public:
  FeatureStack(const Job& job, int64_t* n_weights);

  /// The number of output columns.
  int out() const { return out_; }
  void Init(Random* random, std::span<float> weights) const;
  /// The results of a pass that does not train, in an inference graph.
  struct Values {
    nn::Graph::Value features;  // [n, features_layout().dim]
    nn::Graph::Value output;    // [n, out()]
  };
  Values AddTo(nn::Graph* graph, std::span<const float> weights, const nn::Graph::Value& x) const;
  /// Computes output() [n, out()]. x must stay unchanged until Backward has returned.
  void Forward(std::span<const float> weights, const ConstMatrixView& x, const nn::Pass& pass);
  const Matrix& output() const { return output_; }
  /// The caller puts d loss / d output [n, out()] here before Backward, which overwrites it.
  Matrix& doutput() { return doutput_; }
  /// Whether there is a penalty on gates.
  bool HasPenalty() const { return has_gates_ && l1_ != 0; }
  /// Adds factor * penalty() to the objective of every Backward until the next Forward.
  void AddPenalty(float factor) { penalty_factor_ = factor; }
  /// The penalty on gates in the last Forward: l1 * sum |gate|; 0 without gates.
  double penalty() const { return penalty_; }
  /// The gate of each input by its name, in the order of the features; empty without gates.
  std::vector<std::pair<std::string, float>> Gates(std::span<const float> weights) const;
  /// Backpropagates through the last Forward in two halves, between which other readers of the
  /// features add to dfeatures(). dweights += d loss / d weights; dx [n, layout.dim] = d loss / d
  /// x, with zeros for columns that are not used here.
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

  /// The parts of the features, each of which has a gate.
  std::vector<InputLayout::Part> GatedParts() const;

  int out_ = 0;
  bool has_gates_ = false;
  double l1_ = 0;
  int64_t gates_ = 0;  // where they begin in the weights
  double penalty_ = 0;
  float penalty_factor_ = 0;  // 0 from Forward to AddPenalty
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
