// What stands between the inputs and the network: sequences are read, then fields meet.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/matrix.h"
#include "common/random.h"
#include "configs/job.pb.h"
#include "worker/input_layout.h"
#include "worker/interaction/interaction.h"
#include "worker/sequence/sequence_reader.h"

namespace zhiyin::worker {

/// x [n, layout.dim] -> features [n, fields and sequences that were read, numerics] -> the columns of all interactions
/// side by side. Fields of the wide part are no features. Used by one thread; takes its weights as DenseLayer does.
class FeatureStack {
 public:
  FeatureStack(const Job& job, int64_t* n_weights);

  /// Columns that come out.
  int out() const { return out_; }
  void Init(Random* random, std::span<float> weights) const;
  /// What a pass that does not train computes.
  struct Values {
    Graph::Value features;  // [n, features_layout().dim]
    Graph::Value output;    // [n, out()]
  };
  Values AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const;
  /// output() [n, out()]. x must stay as it is until Backward has returned.
  void Forward(std::span<const float> weights, const ConstMatrixView& x, const Pass& pass);
  const Matrix& output() const { return output_; }
  /// Where the caller puts d loss / d output before Backward; overwritten by it.
  Matrix& doutput() { return doutput_; }
  /// Backward in two halves; between them others that read the features add to dfeatures(). dweights += ..., dx [n,
  /// layout.dim] = ..., zeros where the features do not come from.
  void BackwardToFeatures(std::span<const float> weights, std::span<float> dweights);
  void BackwardToInputs(std::span<const float> weights, const ConstMatrixView& x, std::span<float> dweights,
                        Matrix* dx);

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
    std::unique_ptr<ColumnLayer> reader;
    int to = 0;
  };

  int out_ = 0;
  std::vector<Copied> copied_;
  std::vector<Read> sequences_;
  InputLayout features_layout_;
  std::vector<std::unique_ptr<ColumnLayer>> interactions_;
  Matrix features_;
  Matrix dfeatures_;
  Matrix output_;
  Matrix doutput_;
};

}  // namespace zhiyin::worker
