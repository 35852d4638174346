// Small jobs, one for every model that the configuration knows.
#pragma once

#include <string>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::testing {

/// A job on generated ratings with two tasks (rating, and whether the user is of the first group),
/// four fields, two numerics. `model` is the text of the model field; fields and tables fit it.
/// With a sequence_length the field item_tags is a sequence. With `binary` the task rating is not
/// the number but whether the item is of a genre. `train_text` is added to the train field.
Job ExampleJob(const std::string& model_text, int dim, int sequence_length = 0, bool binary = false,
               const std::string& train_text = "");

/// One or more jobs for every alternative of Model.kind, found by reflection; where it has hidden
/// layers, with dropout behind them, too. Fails the test for an alternative that nobody has given
/// an example of yet: add it in tests/data/kinds/network.
std::vector<Job> JobOfEveryModel();

/// One or more jobs for every alternative of Interaction.kind, and of SequenceReader.kind (of the
/// field item_tags), with examples from tests/data/kinds/interaction and sequence.
std::vector<Job> JobOfEveryInteraction();
std::vector<Job> JobOfEverySequenceReader();

/// One or more jobs for every alternative of Balance.kind, with examples from
/// tests/data/kinds/balance.
std::vector<Job> JobOfEveryBalance();

/// The name of the job's model: "mmoe".
std::string ModelName(const Job& job);

}  // namespace zhiyin::testing
