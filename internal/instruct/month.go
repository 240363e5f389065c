package instruct

// monthOf gives the number of a month by its name or its usual abbreviation, folded as text, in the languages of Europe; 0: it is none.
func monthOf(word string) int {
	switch word {
	case "january", "jan", "januar", "janner", "janvier", "janv", "enero", "ene", "gennaio", "gen", "janeiro", "januari", "styczen",
		"stycznia", "sty", "leden", "ledna", "januara", "январь", "января", "янв", "січень", "січня", "janvaris", "janvara", "janvari", "janvarim",
		"sausis", "sausio", "jaanuar", "tammikuu", "tammikuuta", "ianuarie", "ian", "ocak", "январе":
		return 1
	case "february", "feb", "februar", "feber", "fevrier", "fevr", "fev", "febrero", "febbraio", "febb", "fevereiro", "februari", "februarim", "luty",
		"lutego", "lut", "unor", "unora", "februara", "февраль", "февраля", "фев", "лютии", "лютого", "februaris", "vasaris", "vasario",
		"veebruar", "helmikuu", "helmikuuta", "februarie", "subat", "феврале":
		return 2
	case "march", "mar", "marz", "marzo", "mars", "marco", "maart", "marec", "marzec", "marca", "brezen", "brezna", "март", "марта",
		"березень", "березня", "marts", "marta", "martam", "martu", "kovas", "kovo", "maaliskuu", "maaliskuuta", "martie", "mart", "mrz", "марте",
		"mrt":
		return 3
	case "april", "apr", "avril", "avr", "abril", "abr", "aprile", "avrila", "kwiecien", "kwietnia", "kwi", "duben", "dubna", "aprila",
		"апрель", "апреля", "апр", "квітень", "квітня", "aprilis", "aprili", "aprilim", "balandis", "balandzio", "aprill", "huhtikuu", "huhtikuuta", "aprilie",
		"nisan", "апреле":
		return 4
	case "may", "mai", "mayo", "maggio", "mag", "maio", "mei", "maj", "maja", "kveten", "kvetna", "маи", "мая", "травень", "травня",
		"maijs", "maija", "maijam", "maiju", "geguze", "geguzes", "toukokuu", "toukokuuta", "mayis", "мае":
		return 5
	case "june", "jun", "juni", "juin", "junio", "giugno", "giu", "junho", "czerwiec", "czerwca", "cze", "cerven", "cervna", "juna",
		"июнь", "июня", "июн", "червень", "червня", "junijs", "junija", "junijam", "juniju", "birzelis", "birzelio", "juuni", "kesakuu", "kesakuuta",
		"iunie", "iun", "haziran", "июне":
		return 6
	case "july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho", "lipiec", "lipca", "lip", "cervenec", "cervence",
		"jula", "июль", "июля", "июл", "липень", "липня", "julijs", "julija", "julijam", "juliju", "liepa", "liepos", "juuli", "heinakuu", "heinakuuta",
		"iulie", "iul", "temmuz", "июле":
		return 7
	case "august", "aug", "aout", "agosto", "ago", "agostos", "augustus", "sierpien", "sierpnia", "sie", "srpen", "srpna", "augusta", "augustam",
		"август", "августа", "авг", "серпень", "серпня", "augusts", "rugpjutis", "rugpjucio", "elokuu", "elokuuta", "agustos", "августе",
		"augusti":
		return 8
	case "september", "sept", "sep", "septembre", "septiembre", "set", "settembre", "sett", "setembro", "wrzesien", "wrzesnia", "wrz",
		"zari", "septembra", "сентябрь", "сентября", "сен", "сент", "вересень", "вересня", "septembris", "septembri", "septembrim", "rugsejis", "rugsejo", "syyskuu",
		"syyskuuta", "septembrie", "eylul", "сентябре":
		return 9
	case "october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out", "pazdziernik", "pazdziernika",
		"paz", "rijen", "rijna", "oktobra", "октябрь", "октября", "окт", "жовтень", "жовтня", "oktobris", "oktobri", "oktobrim", "spalis", "spalio", "oktoober",
		"lokakuu", "lokakuuta", "octombrie", "ekim", "октябре":
		return 10
	case "november", "nov", "novembre", "noviembre", "novembro", "listopad", "listopada", "lis", "novembra", "ноябрь", "ноября", "ноя",
		"листопад", "листопада", "novembris", "novembri", "novembrim", "lapkritis", "lapkricio", "marraskuu", "marraskuuta", "noiembrie", "kasim", "ноябре":
		return 11
	case "december", "dec", "dezember", "dez", "decembre", "diciembre", "dic", "dicembre", "dezembro", "grudzien", "grudnia", "gru", //nolint:misspell // another language
		"prosinec", "prosince", "decembra", "декабрь", "декабря", "дек", "грудень", "грудня", "decembris", "decembri", "decembrim", "gruodis", "gruodzio",
		"detsember", "joulukuu", "joulukuuta", "decembrie", "aralik", "декабре", "des", "desember":
		return 12
	}
	return 0
}
