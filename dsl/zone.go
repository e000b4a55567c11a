package dsl

import (
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// ZoneOf returns a candidate's time zone: their own, else that of their region or country if it has only one, else the
// workspace's, else UTC. Either argument may be nil. It is never nil.
func ZoneOf(c *crm.Candidate, ws *Workspace) *time.Location {
	names := make([]string, 0, 4)
	if c != nil {
		country := strings.ToUpper(c.Country)
		names = append(names, c.TimeZone, zoneOfRegion(country+"/"+strings.ToUpper(c.Region)), zoneOfCountry(country))
	}
	if ws != nil && ws.Calendar != nil {
		names = append(names, ws.Calendar.Zone)
	}
	for _, name := range names {
		if loc, err := loadZone(name); err == nil {
			return loc
		}
	}
	return time.UTC
}

// zoneOfRegion returns the zone of a state or province that keeps one time, by ISO 3166-2 code, in countries with more than
// one zone. Those that are divided (Texas, Arizona, Ontario, New South Wales) are not there.
func zoneOfRegion(region string) string {
	switch region {
	case "BR/TO":
		return "America/Araguaina"
	case "BR/BA":
		return "America/Bahia"
	case "BR/AP":
		return "America/Belem"
	case "BR/RR":
		return "America/Boa_Vista"
	case "BR/MS":
		return "America/Campo_Grande"
	case "US/AL", "US/AR", "US/IA", "US/IL", "US/LA", "US/MN", "US/MO", "US/MS", "US/OK", "US/WI":
		return "America/Chicago"
	case "BR/MT":
		return "America/Cuiaba"
	case "US/CO", "US/MT", "US/NM", "US/UT", "US/WY":
		return "America/Denver"
	case "CA/AB":
		return "America/Edmonton"
	case "BR/CE", "BR/MA", "BR/PB", "BR/PI", "BR/RN":
		return "America/Fortaleza"
	case "CA/NS", "CA/PE":
		return "America/Halifax"
	case "US/CA", "US/WA":
		return "America/Los_Angeles"
	case "BR/AL", "BR/SE":
		return "America/Maceio"
	case "CA/NB":
		return "America/Moncton"
	case "US/CT", "US/DC", "US/DE", "US/GA", "US/MA", "US/MD", "US/ME", "US/NC", "US/NH", "US/NJ", "US/NY", "US/OH", "US/PA", "US/RI", "US/SC", "US/VA", "US/VT", "US/WV":
		return "America/New_York"
	case "BR/RO":
		return "America/Porto_Velho"
	case "BR/AC":
		return "America/Rio_Branco"
	case "BR/DF", "BR/ES", "BR/GO", "BR/MG", "BR/PR", "BR/RJ", "BR/RS", "BR/SC", "BR/SP":
		return "America/Sao_Paulo"
	case "CA/MB":
		return "America/Winnipeg"
	case "AU/SA":
		return "Australia/Adelaide"
	case "AU/QLD":
		return "Australia/Brisbane"
	case "AU/NT":
		return "Australia/Darwin"
	case "AU/TAS":
		return "Australia/Hobart"
	case "AU/VIC":
		return "Australia/Melbourne"
	case "AU/ACT":
		return "Australia/Sydney"
	case "US/HI":
		return "Pacific/Honolulu"
	}
	return ""
}

// zoneOfCountry returns the zone of a country that has only one, by ISO 3166-1 code (tz database, zone.tab). Cyprus, Germany's
// Büsingen and the like, whose zones show the same time, count as one.
func zoneOfCountry(country string) string {
	zones := countryZones
	for zones != "" {
		var line string
		line, zones, _ = strings.Cut(zones, "\n")
		if code, zone, ok := strings.Cut(line, " "); ok && code == country {
			return zone
		}
	}
	return ""
}

const countryZones = `AD Europe/Andorra
AE Asia/Dubai
AF Asia/Kabul
AL Europe/Tirane
AM Asia/Yerevan
AO Africa/Luanda
AT Europe/Vienna
AZ Asia/Baku
BA Europe/Sarajevo
BB America/Barbados
BD Asia/Dhaka
BE Europe/Brussels
BF Africa/Ouagadougou
BG Europe/Sofia
BH Asia/Bahrain
BI Africa/Bujumbura
BJ Africa/Porto-Novo
BN Asia/Brunei
BO America/La_Paz
BS America/Nassau
BT Asia/Thimphu
BW Africa/Gaborone
BY Europe/Minsk
BZ America/Belize
CF Africa/Bangui
CG Africa/Brazzaville
CH Europe/Zurich
CI Africa/Abidjan
CM Africa/Douala
CO America/Bogota
CR America/Costa_Rica
CU America/Havana
CV Atlantic/Cape_Verde
CZ Europe/Prague
DE Europe/Berlin
DJ Africa/Djibouti
DK Europe/Copenhagen
DO America/Santo_Domingo
DZ Africa/Algiers
EE Europe/Tallinn
EG Africa/Cairo
ER Africa/Asmara
ET Africa/Addis_Ababa
FI Europe/Helsinki
FJ Pacific/Fiji
FR Europe/Paris
GA Africa/Libreville
GB Europe/London
GE Asia/Tbilisi
GH Africa/Accra
GM Africa/Banjul
GN Africa/Conakry
GR Europe/Athens
GT America/Guatemala
GY America/Guyana
HK Asia/Hong_Kong
HN America/Tegucigalpa
HR Europe/Zagreb
HT America/Port-au-Prince
HU Europe/Budapest
IE Europe/Dublin
IL Asia/Jerusalem
IN Asia/Kolkata
IQ Asia/Baghdad
IR Asia/Tehran
IS Atlantic/Reykjavik
IT Europe/Rome
JM America/Jamaica
JO Asia/Amman
JP Asia/Tokyo
KE Africa/Nairobi
KG Asia/Bishkek
KH Asia/Phnom_Penh
KR Asia/Seoul
KW Asia/Kuwait
LA Asia/Vientiane
LB Asia/Beirut
LI Europe/Vaduz
LK Asia/Colombo
LR Africa/Monrovia
LS Africa/Maseru
LT Europe/Vilnius
LU Europe/Luxembourg
LV Europe/Riga
LY Africa/Tripoli
MA Africa/Casablanca
MC Europe/Monaco
MD Europe/Chisinau
ME Europe/Podgorica
MG Indian/Antananarivo
MK Europe/Skopje
ML Africa/Bamako
MM Asia/Yangon
MO Asia/Macau
MR Africa/Nouakchott
MT Europe/Malta
MU Indian/Mauritius
MV Indian/Maldives
MW Africa/Blantyre
MZ Africa/Maputo
NA Africa/Windhoek
NE Africa/Niamey
NG Africa/Lagos
NI America/Managua
NL Europe/Amsterdam
NO Europe/Oslo
NP Asia/Kathmandu
OM Asia/Muscat
PA America/Panama
PE America/Lima
PH Asia/Manila
PK Asia/Karachi
PL Europe/Warsaw
PR America/Puerto_Rico
PY America/Asuncion
QA Asia/Qatar
RO Europe/Bucharest
RS Europe/Belgrade
RW Africa/Kigali
SA Asia/Riyadh
SC Indian/Mahe
SD Africa/Khartoum
SE Europe/Stockholm
SG Asia/Singapore
SI Europe/Ljubljana
SK Europe/Bratislava
SL Africa/Freetown
SM Europe/San_Marino
SN Africa/Dakar
SO Africa/Mogadishu
SR America/Paramaribo
SV America/El_Salvador
SY Asia/Damascus
SZ Africa/Mbabane
TD Africa/Ndjamena
TG Africa/Lome
TH Asia/Bangkok
TJ Asia/Dushanbe
TM Asia/Ashgabat
TN Africa/Tunis
TR Europe/Istanbul
TT America/Port_of_Spain
TW Asia/Taipei
TZ Africa/Dar_es_Salaam
UA Europe/Kyiv
UG Africa/Kampala
UY America/Montevideo
VE America/Caracas
VN Asia/Ho_Chi_Minh
YE Asia/Aden
ZA Africa/Johannesburg
ZM Africa/Lusaka
ZW Africa/Harare
CY Asia/Nicosia
`
