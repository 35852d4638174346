// Examples for which a model has no finite prediction: how many there are, and which are the first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/tick.h"
#include "configs/job.pb.h"
#include "worker/data/examples.h"
#include "worker/data/source.h"
#include "worker/data/statistics.h"

namespace zhiyin::worker::data {

/// A numeric is extreme from this absolute value on, after normalization.
inline constexpr double kExtreme = 1000;

/// Such an example usually has an extreme number among its inputs: sums and products of it exceed
/// what a float can hold, and a difference of two infinite ones is no number. In training the
/// examples are those that were left out, by slices instead of blocks (worker/train/left_out.h). A
/// plain value.
struct Unpredicted {
  /// The most examples that are named; all are counted.
  static constexpr size_t kMaxNamed = 10;

  struct Example {
    int64_t block = 0;
    int64_t position = 0;  // in the block
    std::string name;      // "rows.csv:17: numeric \"x\" is 1e+20"; empty until Name
  };

  int64_t n = 0;
  /// The first ones, in the order of the split.
  std::vector<Example> first;

  /// Adds examples of a block. REQUIRES: blocks come in ascending order, each once.
  void Add(int64_t block, std::span<const int64_t> positions);
  /// Names the first ones, for which it reads their blocks again. `tick` is called for each block.
  /// Throws Error as Source::Read does. REQUIRES: the source is of the split that has them.
  void Name(const Job& job, const Normalizer& normalizer, Source* source, const Tick& tick);
  /// Adds those of another worker, which has other blocks.
  void Merge(const Unpredicted& other);

  void Write(ByteWriter* out) const;
  /// The inverse of Write. Throws Error, by way of `in`, on bytes that Write did not write.
  static Unpredicted Read(ByteReader* in);
  std::string Serialize() const;
  /// The inverse of Serialize. Throws Error on bytes that it did not write.
  static Unpredicted Parse(std::string_view bytes);
};

/// Returns which numeric of an example is the most extreme: `numeric "x" is 1e+20, 3.2e+19 standard
/// deviations from its mean in training`, or that none is. `examples` are not normalized.
std::string DescribeExtreme(const Job& job, const Normalizer& normalizer, const Examples& examples,
                            int64_t example);
/// Describes an example by its numerics [n_numerics] after normalization.
std::string DescribeExtreme(const Job& job, const Normalizer& normalizer,
                            std::span<const double> normalized);

/// Returns the positions of examples that lack a prediction of some task, ascending. `predictions`
/// [n, n_tasks] are NaN where there is none.
std::vector<int64_t> WithoutPrediction(std::span<const float> predictions, size_t n_tasks);

/// Returns lines for people: how many examples of how many have no prediction, with what came of
/// that, and the names of the first ones; no lines where all have one.
std::vector<std::string> UnpredictedNotes(const Unpredicted& unpredicted, int64_t n_examples,
                                          const std::string& consequence);

}  // namespace zhiyin::worker::data
