package crm

// What a retention policy does to the data it takes.
const (
	RetentionAnonymize = "anonymize" // what tells who somebody is goes, what is counted stays
	RetentionErase     = "erase"
)
