// Tables in files, in the format that --format says.
#pragma once

#include <string>

#include "worker/data/writer/table_format.h"

namespace zhiyin::launch::apps {

/// The format of this name. Throws Error, which lists the names, where there is none.
const worker::data::TableFormat& TableFormatOf(const std::string& name);

/// Checks that a table can be written to a file of this name. Throws Error where the format refuses
/// the table's columns, or where the name ends in another format or in a compression that the
/// format is not read with.
void CheckTableFile(const worker::data::DataTable& table, const worker::data::TableFormat& format,
                    const std::string& path);

/// Writes a table to a file, compressed as the ending of its name says. An existing file is
/// replaced only when the new one is complete. Throws Error as WriteTable does, and where the file
/// cannot be written. REQUIRES: CheckTableFile.
void WriteTableFile(const worker::data::DataTable& table, const worker::data::TableFormat& format,
                    const std::string& path);

}  // namespace zhiyin::launch::apps
