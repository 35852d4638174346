// Defaults and checks of how text files are read: data.text and data.join.text of job.proto.
#pragma once

#include <string>

#include "common/config/checker.h"
#include "configs/job.pb.h"

namespace zhiyin::worker::data {

using FileNames = google::protobuf::RepeatedPtrField<std::string>;

void FillText(zhiyin::Text* text);
/// Throws Error, by way of `check`, for the first thing about delimiter, quote, encoding, names of
/// columns and layout that is impossible.
void CheckText(const config::Checker& check, const config::ConfigPath& path,
               const zhiyin::Text& text);
/// Says what is wrong with the name of a data file, wherever there is such a file; "" where nothing
/// is.
std::string WrongFileName(const std::string& name);
/// Checks that there are files where the data is text, and that each can be the name of a file, or
/// where `may_be_pipe` the only one that of standard input (pipe.h). `path` leads to the message
/// that has them in its field `file`.
void CheckFiles(const config::Checker& check, const config::ConfigPath& path, const Data& data,
                const FileNames& files, bool may_be_pipe);

}  // namespace zhiyin::worker::data
