// tf.train.Examples for tests, and what their columns are, by the generated classes of protobuf:
// the plain twin of the reader of TFRecord files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/format/record_reader.h"
#include "worker/data/format/tf_example.pb.h"

namespace zhiyin::testing {

worker::data::TfFeature Bytes(const std::vector<std::string>& values);
worker::data::TfFeature Floats(const std::vector<float>& values);
worker::data::TfFeature Integers(const std::vector<int64_t>& values);

/// Sets a feature of an Example, or of the context of a SequenceExample.
void SetFeature(worker::data::TfExample* example, const std::string& name,
                const worker::data::TfFeature& feature);
/// Adds a step to a feature list of a SequenceExample, which is made where there is none.
void AddStep(worker::data::TfExample* example, const std::string& name,
             const worker::data::TfFeature& feature);

/// A SequenceExample: the user u7, with the history a | nothing | b, c and the hours -1 | 23.
worker::data::TfExample HistorySequence();

/// A value as a test shows it: "missing", "text:x", "number:0.5", "list:a,b".
std::string Shown(const worker::data::Value& value);

/// What Shown gives for a column of a record; "malformed" where it is no good one.
std::string ShownByTwin(const worker::data::TfExample& example,
                        const worker::data::WantedColumn& column);

}  // namespace zhiyin::testing
