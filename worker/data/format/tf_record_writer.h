// The records of a TFRecord file as bytes.
#pragma once

#include <string>
#include <string_view>

#include "worker/data/format/tf_example.pb.h"

namespace zhiyin::worker::data {

/// Appends a record with this data and its checksums to *bytes. REQUIRES: the data is no longer
/// than TfFrames::kMaxBytes.
void AppendTfRecord(std::string_view data, std::string* bytes);

/// Appends a record that TensorFlow reads as a tf.train.Example or, where it has feature lists, a
/// tf.train.SequenceExample. Equal examples give equal bytes: features are in the order of their
/// names. REQUIRES: the message is no longer than TfFrames::kMaxBytes.
void AppendTfRecord(const TfExample& example, std::string* bytes);

}  // namespace zhiyin::worker::data
