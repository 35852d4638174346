// Small jobs, one for every model that the configuration knows.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::testing {

/// What an example's job has; some models refuse inputs that they do not read.
enum class ExampleInputs {
  kAll,         // four fields and two numerics
  kNoNumerics,  // the four fields
  kTwoFields,   // user_group and item_genre
};

/// A job on generated ratings with two tasks (rating, and whether the user is of the first group),
/// four fields, two numerics, or fewer `inputs`. `model` is the text of the model field; fields and
/// tables fit it. With a sequence_length the field item_tags is a sequence. With `binary` the task
/// rating is not the number but whether the item is of a genre. `train_text` is added to the train
/// field.
Job ExampleJob(const std::string& model_text, int dim, int sequence_length = 0, bool binary = false,
               const std::string& train_text = "", ExampleInputs inputs = ExampleInputs::kAll);

/// A network's example, and what a test of all networks must expect of it.
struct NetworkExample {
  Job job;
  /// It keeps a loss from changing some weights: their gradient is 0 although the loss depends on
  /// them.
  bool stops_gradients = false;
  /// It divides by a length of few numbers, so that it is a curved function of its inputs.
  bool is_curved = false;
  /// It reads the inputs themselves: interactions and a wide part are refused.
  bool reads_fields = false;
};
/// The text of the model.
void PrintTo(const NetworkExample& example, std::ostream* out);

/// One or more examples of every alternative of Model.kind, found by reflection; where it has
/// hidden layers, with dropout behind them, too. Fails the test for an alternative that nobody has
/// given an example of yet: add it in tests/data/kinds/network. A line there is "dim N WORDS:
/// MODEL"; the words, none or more, are binary, no_numerics and two_fields, which ExampleJob takes,
/// and stops_gradients, curved and reads_fields, as above.
std::vector<NetworkExample> ExampleOfEveryModel();
/// Their jobs.
std::vector<Job> JobOfEveryModel();

/// One or more jobs for every alternative of Interaction.kind, and of SequenceReader.kind (of the
/// field item_tags), with examples from tests/data/kinds/interaction and sequence.
std::vector<Job> JobOfEveryInteraction();
std::vector<Job> JobOfEverySequenceReader();

/// One or more jobs for every alternative of Balance.kind, with examples from
/// tests/data/kinds/balance.
std::vector<Job> JobOfEveryBalance();

/// A job for each auxiliary loss: the penalty on gates, the in-batch softmax, the calibrator, and
/// the counterfactual loss.
std::vector<Job> JobOfEveryAuxiliaryLoss();

/// The job with the widths of its tables, layers and readers multiplied: those of the examples are
/// too narrow for train.compute to change anything. That of a linear model stays as it is, since
/// its tables have a column for each task.
Job Widened(Job job, int factor);
/// Whether the network of a widened job multiplies by matrices of weights: a linear model, a matrix
/// factorization and towers without hidden layers do not.
bool HasWideLayers(const Job& job);

/// The name of the job's model: "mmoe".
std::string ModelName(const Job& job);

}  // namespace zhiyin::testing
